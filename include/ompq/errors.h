#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Marks what libompq.so exports. Everything else in it is hidden.
#define OMPQ_API __attribute__((visibility("default")))

namespace ompq {

/// Base of all exceptions that the library throws. Message format: "[where] the broken rule with
/// the actual values; how to fix it". Messages have fewer than 2,000 characters and are safe to
/// show on a terminal: control characters of names are escaped, and what is too long is shortened.
class OMPQ_API Error : public std::runtime_error {
 public:
  /// A message of one line: its newlines are escaped.
  Error(std::string_view where, std::string_view message);
  /// A message of several lines.
  Error(std::string_view where, const std::vector<std::string>& lines);
  /// The file, option or part that the error is about, as the message shows it.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The message without its "[where] ".
  [[nodiscard]] std::string reason() const;

 private:
  struct Shown {};  ///< the place is safe to show
  Error(std::string place, std::string_view message, Shown);
  Error(std::string place, const std::vector<std::string>& lines, Shown);

  std::string where_;
};

/// A model file that cannot be read or is inconsistent.
struct OMPQ_API ImportError : Error {
  using Error::Error;
};
/// One or more unsupported operators; the message lists the nodes, at most the first 20.
struct OMPQ_API UnsupportedOp : Error {
  using Error::Error;
};
/// Shapes that do not match.
struct OMPQ_API ShapeError : Error {
  using Error::Error;
};
/// Samples, labels or images that cannot be used.
struct OMPQ_API DataError : Error {
  using Error::Error;
};
/// A file that the file system does not let ompq read or write.
struct OMPQ_API FileError : Error {
  using Error::Error;
};
/// There is not enough memory, or a limit of the system on memory or threads was reached.
struct OMPQ_API OutOfMemory : Error {
  using Error::Error;
};
/// No allocation fits the budget.
struct OMPQ_API InfeasibleBudget : Error {
  using Error::Error;
};
/// Options that are unknown, contradict each other or are out of range.
struct OMPQ_API ConfigError : Error {
  using Error::Error;
};
/// The work was asked to stop.
struct OMPQ_API Interrupted : Error {
  using Error::Error;
};
/// A bug in ompq: an invariant does not hold.
struct OMPQ_API InternalError : Error {
  using Error::Error;
};

/// The exit status of the command line for each kind of error.
enum class ExitCode : int {
  Done = 0,
  OwnFault = 1,
  WrongUsage = 2,
  BadInput = 3,
  NoAllocation = 4,
  Interrupted = 130,
};

/// The exit status for an exception. std::bad_alloc and errors of the file system are not bugs; any
/// other exception that is not an ompq::Error counts as a bug in ompq.
[[nodiscard]] OMPQ_API ExitCode exit_code_for(const std::exception& error);

}  // namespace ompq

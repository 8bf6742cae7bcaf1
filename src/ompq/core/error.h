#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace ompq {

/// Base of all exceptions that the library throws. Message format: "[where] the broken rule with
/// the actual values; how to fix it".
class Error : public std::runtime_error {
 public:
  Error(std::string_view where, std::string_view message);
  /// The room or file that the error is about.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The message without its "[where] ".
  [[nodiscard]] std::string reason() const;

 private:
  std::string where_;
};

/// A model file that cannot be read or is inconsistent.
struct ImportError : Error {
  using Error::Error;
};
/// One or more unsupported operators; the message lists every node.
struct UnsupportedOp : Error {
  using Error::Error;
};
/// Shapes that do not match.
struct ShapeError : Error {
  using Error::Error;
};
/// Samples, labels or images that cannot be used.
struct DataError : Error {
  using Error::Error;
};
/// A file that the file system does not let ompq read or write.
struct FileError : Error {
  using Error::Error;
};
/// No allocation fits the budget.
struct InfeasibleBudget : Error {
  using Error::Error;
};
/// Options that contradict each other or are out of range.
struct ConfigError : Error {
  using Error::Error;
};
/// The user asked to stop (Ctrl-C).
struct Interrupted : Error {
  using Error::Error;
};
/// A bug in ompq: an invariant does not hold.
struct InternalError : Error {
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

/// The exit status for an exception; one that is neither an ompq::Error nor a file system error
/// counts as a bug in ompq.
[[nodiscard]] ExitCode exit_code_for(const std::exception& error);

}  // namespace ompq

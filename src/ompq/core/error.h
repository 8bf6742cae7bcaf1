#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace ompq {

/// Base of everything the library throws. The message reads
/// "[where] what rule was broken, with the actual values; the way out".
class Error : public std::runtime_error {
 public:
  Error(std::string_view where, std::string_view message);
  /// The room or file the error speaks of.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// The message without its "[where] ".
  [[nodiscard]] std::string reason() const;

 private:
  std::string where_;
};

/// A model file that cannot be read or does not hold together.
struct ImportError : Error {
  using Error::Error;
};
/// One or more operators outside of what ompq runs; the message lists every node.
struct UnsupportedOp : Error {
  using Error::Error;
};
/// Shapes that do not fit each other.
struct ShapeError : Error {
  using Error::Error;
};
/// Samples, labels or images that cannot be used.
struct DataError : Error {
  using Error::Error;
};
/// A file that cannot be written or read for reasons of the file system.
struct FileError : Error {
  using Error::Error;
};
/// No allocation fits the budget.
struct InfeasibleBudget : Error {
  using Error::Error;
};
/// Options that contradict each other or lie outside of their range.
struct ConfigError : Error {
  using Error::Error;
};
/// The user asked to stop (Ctrl-C).
struct Interrupted : Error {
  using Error::Error;
};
/// ompq's own fault: an invariant that does not hold.
struct InternalError : Error {
  using Error::Error;
};

/// The exit status that stands for each kind of error on the command line.
enum class ExitCode : int {
  Done = 0,
  OwnFault = 1,
  WrongUsage = 2,
  BadInput = 3,
  NoAllocation = 4,
  Interrupted = 130,
};

/// The exit status for an exception in flight; anything that is neither an ompq::Error nor of the
/// file system is our own fault.
[[nodiscard]] ExitCode exit_code_for(const std::exception& error);

}  // namespace ompq

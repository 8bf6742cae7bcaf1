#pragma once

#include <chrono>

namespace ompq {

/// Thrown by check_interrupt() where a TimeLimit is over. Not an Error: whoever set the limit
/// catches it.
struct TimeIsUp {};

/// A time until which work should end.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// `seconds` from now. Years if that is more.
  explicit Deadline(double seconds);

  /// Since the construction.
  [[nodiscard]] double elapsed() const;
  /// Seconds; negative once it is over.
  [[nodiscard]] double remaining() const { return seconds_ - elapsed(); }
  /// True if work of `seconds` would end later.
  [[nodiscard]] bool forbids(double seconds) const { return seconds > remaining(); }
  /// The deadline of the first `share` (0..1) of the whole time.
  [[nodiscard]] Deadline part(double share) const;
  /// The deadline `seconds` earlier.
  [[nodiscard]] Deadline earlier(double seconds) const;
  [[nodiscard]] Clock::time_point end() const;

 private:
  double seconds_;
  Clock::time_point began_ = Clock::now();
};

/// In its scope, check_interrupt() of this thread throws TimeIsUp after the deadline. The earliest
/// of nested limits counts.
class TimeLimit {
 public:
  explicit TimeLimit(const Deadline& deadline);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

 private:
  Deadline::Clock::time_point outer_;
};

/// @throws TimeIsUp if a TimeLimit of this thread is over.
void check_time_limit();

/// Runs `work` until the deadline. @return false if it was stopped.
template <typename Work>
[[nodiscard]] bool finishes_before(const Deadline& deadline, const Work& work) {
  try {
    const TimeLimit limit(deadline);
    work();
    return true;
  } catch (const TimeIsUp&) {
    check_time_limit();  // of an outer scope
    return false;
  }
}

}  // namespace ompq

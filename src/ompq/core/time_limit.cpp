#include "ompq/core/time_limit.h"

#include <algorithm>

#include "ompq/core/elapsed.h"

namespace ompq {
namespace {

constexpr double kLongest = 1e8;

thread_local Deadline::Clock::time_point limit = Deadline::Clock::time_point::max();

}  // namespace

Deadline::Deadline(double seconds) : seconds_(std::min(seconds, kLongest)) {}

double Deadline::elapsed() const { return seconds_since(began_); }

Deadline Deadline::part(double share) const {
  Deadline some = *this;
  some.seconds_ *= share;
  return some;
}

Deadline Deadline::earlier(double seconds) const {
  Deadline some = *this;
  some.seconds_ -= seconds;
  return some;
}

Deadline::Clock::time_point Deadline::end() const {
  return began_ +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_));
}

TimeLimit::TimeLimit(const Deadline& deadline) : outer_(limit) {
  limit = std::min(limit, deadline.end());
}

TimeLimit::~TimeLimit() { limit = outer_; }

void check_time_limit() {
  if (limit != Deadline::Clock::time_point::max() && Deadline::Clock::now() >= limit) {
    throw TimeIsUp();
  }
}

}  // namespace ompq

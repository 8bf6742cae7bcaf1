#pragma once

#include <chrono>
#include <string>

#include "ompq/report/results.h"

namespace ompq::pipeline {

/// Adds the time since the last lap to a run's list of steps.
class Stopwatch {
 public:
  explicit Stopwatch(report::StepSeconds& steps) : steps_(steps) {}
  void lap(std::string step) {
    const auto now = Clock::now();
    steps_.emplace_back(std::move(step), std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  report::StepSeconds& steps_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace ompq::pipeline

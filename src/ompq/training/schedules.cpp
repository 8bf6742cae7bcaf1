#include "ompq/training/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ompq/core/row_table.h"

namespace ompq::training {
namespace {

double cosine(double done, const ScheduleOptions& options) {
  const double falling = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  return options.final_share + (1.0 - options.final_share) * falling;
}

double step(double done, const ScheduleOptions& options) {
  // Two milestones are at one third and two thirds of the steps. The margin makes a milestone at an
  // integer step robust against rounding of the division.
  const double passed = std::floor(done * (options.milestones + 1) + 1e-9);
  return std::pow(options.gamma, std::min(passed, static_cast<double>(options.milestones)));
}

double constant(double, const ScheduleOptions&) { return 1.0; }

}  // namespace

std::span<const ScheduleRow> schedules() {
  static constexpr ScheduleRow kRows[] = {
      {"cosine", "half a cosine down to final_share", cosine},
      {"step", "times gamma at evenly spaced milestones", step},
      {"constant", "the same rate throughout", constant},
  };
  return kRows;
}

const ScheduleRow& find_schedule(std::string_view name) {
  return row_named(schedules(), name, "training", "schedule");
}

double rate_share(const ScheduleOptions& options, std::int64_t number) {
  if (number < options.warmup_steps) {
    return static_cast<double>(number + 1) / static_cast<double>(options.warmup_steps);
  }
  const std::int64_t steps = std::max<std::int64_t>(1, options.total_steps - options.warmup_steps);
  const std::int64_t after = std::min(number - options.warmup_steps, steps - 1);
  return find_schedule(options.name)
      .share(static_cast<double>(after) / static_cast<double>(steps), options);
}

}  // namespace ompq::training

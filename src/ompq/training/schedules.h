#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ompq/training/training_options.h"

namespace ompq::training {

/// A learning-rate schedule; `share` is the factor after the warm-up at the relative progress
/// `done`, 0..1.
struct ScheduleRow {
  std::string_view name;
  std::string_view text;
  double (*share)(double done, const ScheduleOptions& options);
};

/// cosine (Loshchilov and Hutter 2017), step, constant.
[[nodiscard]] std::span<const ScheduleRow> schedules();
/// @throws ConfigError for a name that no row has.
[[nodiscard]] const ScheduleRow& find_schedule(std::string_view name);

/// Factor on the rate for step `number`, 0 .. total_steps - 1; then that of the last step. During
/// warm-up: (number + 1) / warmup_steps.
[[nodiscard]] double rate_share(const ScheduleOptions& options, std::int64_t number);

}  // namespace ompq::training

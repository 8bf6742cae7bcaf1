#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/time_limit.h"
#include "ompq/search/measurements.h"
#include "ompq/search/request_options.h"

namespace ompq::search {

/// True where the metric judges activations as well.
[[nodiscard]] bool judges_activations(std::string_view metric);

/// Seconds that one sample takes through the float network, in a batch of at most four; 0 if none
/// of these can be read.
/// @param batch_size  the most that fit into memory.
[[nodiscard]] double pass_seconds(const pipeline::Model& model,
                                  data::Dataset& dataset,
                                  std::vector<std::int64_t> indices,
                                  std::int64_t batch_size,
                                  const runtime::ExecutorOptions& options);

/// Trial rounding with error compensation.
struct TrialPlan {
  std::size_t samples = 0;
  TrialRounding care;
};

/// The most careful trial rounding that should end in time, or the least careful one.
/// @param samples  at most.
/// @param sample_seconds  of a pass of one sample.
/// @param seconds  for all of it.
[[nodiscard]] TrialPlan trial_in_time(const pipeline::Model& model,
                                      std::size_t samples,
                                      std::size_t widths,
                                      double sample_seconds,
                                      double seconds);

/// The parts of the time limit at which the steps of `auto` end; the rest is for ranking, checking
/// and refining.
struct TimeShares {
  double rounded = 0;
  /// Trial rounding may run until then: without it, the choice for other methods than nearest is
  /// much worse (ADR 8).
  double rounded_at_most = 0;
  double measured = 0;
  double solved = 0;
};

/// @param compensated  candidates are rounded with error compensation for the check, which takes
/// time.
[[nodiscard]] TimeShares time_shares(bool compensated);

/// What `auto` has for its measurements.
struct AutoMeans {
  std::size_t samples = 0;
  double sample_seconds = 0;  ///< of a pass of one of them
  Deadline deadline;
};

/// What `auto` measures: all metrics, without those that cannot rate activations if activation
/// widths are chosen; orthogonality; and interactions where they are cheap. If the time is too
/// short for all of it, first interactions and then the metrics of the network's outputs are left
/// out. Batches are small enough that one ends before the deadline.
/// @param plan  with widths, target and executor.
/// @param left_out  gets what the deadline leaves out.
[[nodiscard]] MeasurementPlan plan_of_auto(const pipeline::Model& model,
                                           const RequestOptions& options,
                                           MeasurementPlan plan,
                                           const AutoMeans& means,
                                           std::vector<std::string>& left_out);

}  // namespace ompq::search

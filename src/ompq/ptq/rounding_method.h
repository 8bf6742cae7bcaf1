#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/progress.h"
#include "ompq/distillation/distillation.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "ompq/ptq/method_options.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/report/reconstruction.h"

namespace ompq::ptq {

/// What block-wise learning takes for a block.
enum class LearnedBlocks { None, Layers, Blocks };

/// One way from float weights to codes; the steps that are on run in this order.
struct MethodRow {
  std::string_view name;
  bool compensate = false;  ///< error-compensated rounding, layer by layer
  LearnedBlocks learn = LearnedBlocks::None;
  double drop_probability = 0.0;  ///< QDrop
  bool distill = false;           ///< the network as a whole
  /// Calibration samples, by effort.
  std::int64_t samples[3] = {0, 0, 0};
};

/// What an effort means, besides the samples.
struct EffortRow {
  std::string_view name;
  std::string_view method;  ///< its best method
  std::int64_t iterations;  ///< of each block
  std::int64_t epochs;      ///< of distillation
  double level_rate;        ///< of distillation
};

[[nodiscard]] std::span<const MethodRow> method_table();
/// @throws ConfigError naming the nearest method.
[[nodiscard]] const MethodRow& method_row(std::string_view name);
[[nodiscard]] const EffortRow& effort_row(Effort effort);

/// Samples that the method wants.
[[nodiscard]] std::int64_t samples_wanted(const MethodOptions& options);

/// What a run will about cost, told before it begins.
/// @param forward_seconds  of one sample through the float network.
[[nodiscard]] report::MethodCost expected_cost(const pipeline::Model& model,
                                               const MethodOptions& options,
                                               std::int64_t samples,
                                               double forward_seconds);

/// The model with channels equalized across layers; its function stays what it was.
[[nodiscard]] pipeline::Model equalized_model(const pipeline::Model& model,
                                              data::Dataset& dataset,
                                              const std::vector<std::int64_t>& indices,
                                              std::int64_t batch_size,
                                              const ProgressHandler& progress);

/// Goes from codes of rounding to nearest to the method's own. What is finished is in the journal:
/// with the same arguments a run that was stopped goes on, and ends with the same codes.
/// @param journal  may be null.
[[nodiscard]] rounding::NetworkCodes round_network(const pipeline::Model& model,
                                                   const rounding::NetworkCodes& nearest,
                                                   data::Dataset& dataset,
                                                   const std::vector<std::int64_t>& indices,
                                                   const MethodOptions& options,
                                                   pipeline::Journal* journal,
                                                   report::Reconstruction& result,
                                                   const ProgressHandler& progress = {});

}  // namespace ompq::ptq

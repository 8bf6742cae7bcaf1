#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/pipeline/companion_files.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/ptq/quantization_plan.h"
#include "ompq/qat/finetune_options.h"

namespace ompq::qat {

/// The checkpoint file of the options, or by default the one next to the output.
[[nodiscard]] std::filesystem::path checkpoint_of(const FinetuneOptions& options);

/// @throws ConfigError for a network whose first output is not class scores.
void check_network(const graph::Graph& graph);
/// @throws ConfigError if the options need labels that are missing.
void check_labels(const pipeline::Samples& training,
                  const pipeline::Samples& evaluation,
                  const FinetuneOptions& options);
/// The training samples, without those used for validation. @throws DataError if none is left.
[[nodiscard]] std::vector<std::int64_t> training_indices(const pipeline::Samples& training,
                                                         const pipeline::Samples& evaluation);

/// True if widths are searched and weights rounded first, rather than read from a file or left
/// float.
[[nodiscard]] inline bool starts_by_rounding(const FinetuneOptions& options) {
  return !options.float_network && !options.from;
}

struct FinetuneStartRequest {
  const pipeline::Model& model;
  pipeline::Samples& samples;
  const std::vector<std::int64_t>& tuning;  ///< samples for rounding
  const FinetuneOptions& options;
  pipeline::Journal* journal = nullptr;  ///< for widths and rounding; may be null
  report::Quantization& report;
  pipeline::Stopwatch& watch;
  const ProgressHandler& progress;
};

/// The network when training begins.
struct FinetuneStart {
  ptq::Planned planned;
  rounding::NetworkCodes codes;  ///< empty for a float network
  std::string method;            ///< how its weights were rounded, or the file's name

  [[nodiscard]] const ptq::WidthPlan& plan() const { return planned.plans.front(); }
  [[nodiscard]] const std::vector<int>& weight_bits() const { return plan().weight_bits; }
};

/// The float network, the network of a quantized file, or one that is rounded here, depending on
/// the options.
[[nodiscard]] FinetuneStart start_finetuning(const FinetuneStartRequest& request);

}  // namespace ompq::qat

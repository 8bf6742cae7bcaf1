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

/// The one that the options name, or the one next to the output.
[[nodiscard]] std::filesystem::path checkpoint_of(const FinetuneOptions& options);

/// @throws ConfigError for a network that cannot be trained, which gives no class scores.
void check_network(const graph::Graph& graph);
/// @throws ConfigError where labels are missing that the options learn from.
void check_labels(const pipeline::Samples& training,
                  const pipeline::Samples& evaluation,
                  const FinetuneOptions& options);
/// The samples to train with: none that validation measures with. @throws DataError: none is left.
[[nodiscard]] std::vector<std::int64_t> training_indices(const pipeline::Samples& training,
                                                         const pipeline::Samples& evaluation);

/// Widths are searched and weights rounded first, rather than read or left float.
[[nodiscard]] inline bool starts_by_rounding(const FinetuneOptions& options) {
  return !options.float_network && !options.from;
}

struct FinetuneStartRequest {
  const pipeline::Model& model;
  pipeline::Samples& samples;
  const std::vector<std::int64_t>& tuning;  ///< to round with
  const FinetuneOptions& options;
  pipeline::Journal* journal = nullptr;  ///< of widths and rounding; where there is any
  report::Quantization& report;
  pipeline::Stopwatch& watch;
  const ProgressHandler& progress;
};

/// What the network is when training begins.
struct FinetuneStart {
  ptq::Planned planned;
  rounding::NetworkCodes codes;  ///< none for a float network
  std::string method;            ///< how its weights were rounded, or the file's name

  [[nodiscard]] const ptq::WidthPlan& plan() const { return planned.plans.front(); }
  [[nodiscard]] const std::vector<int>& weight_bits() const { return plan().weight_bits; }
};

/// The float network, a quantized file's, or one that is rounded here, as the options say.
[[nodiscard]] FinetuneStart start_finetuning(const FinetuneStartRequest& request);

}  // namespace ompq::qat

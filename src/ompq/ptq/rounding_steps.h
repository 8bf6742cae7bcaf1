#pragma once

#include "ompq/ptq/method_rows.h"

/// The steps of methods. Finished work is in the run's journal: an interrupted run resumes, with
/// the same codes as without the interruption.
namespace ompq::ptq {

/// Error-compensated rounding, layer by layer (gptq).
[[nodiscard]] const RoundingStep& compensation();
/// Learned rounding of each layer (adaround), or of each block (brecq, qdrop).
[[nodiscard]] const RoundingStep& layer_learning();
[[nodiscard]] const RoundingStep& block_learning();
/// Tuning of the whole network to the float network's outputs.
[[nodiscard]] const RoundingStep& distillation_step();

/// The steps after rounding to nearest that options enable: bias correction, norm re-estimation.
[[nodiscard]] rounding::NetworkCodes prepared(const RoundingRun& run, rounding::NetworkCodes codes);
/// Its cost, see RoundingStep::passes.
[[nodiscard]] double passes_to_prepare(const MethodOptions& options, std::int64_t samples);

/// Memory for cached activations.
[[nodiscard]] std::int64_t cache_memory(const MethodOptions& options);

}  // namespace ompq::ptq

#pragma once

#include "ompq/ptq/method_rows.h"

/// The steps that methods are made of. What is finished is in the run's journal: a run that was
/// stopped goes on, and ends with the same codes.
namespace ompq::ptq {

/// Error-compensated rounding, layer by layer (gptq).
[[nodiscard]] const RoundingStep& compensation();
/// Learned rounding of each layer (adaround), or of each block (brecq, qdrop).
[[nodiscard]] const RoundingStep& layer_learning();
[[nodiscard]] const RoundingStep& block_learning();
/// Tuning of the network as a whole against the float network's outputs.
[[nodiscard]] const RoundingStep& distillation_step();

/// What the options prepare after rounding to nearest: bias correction, re-estimated norms.
[[nodiscard]] rounding::NetworkCodes prepared(const RoundingRun& run, rounding::NetworkCodes codes);
/// Its cost, see RoundingStep::passes.
[[nodiscard]] double passes_to_prepare(const MethodOptions& options, std::int64_t samples);

/// Memory for cached activations.
[[nodiscard]] std::int64_t cache_memory(const MethodOptions& options);

}  // namespace ompq::ptq

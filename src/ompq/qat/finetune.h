#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/pipeline/load_model.h"
#include "ompq/ptq/quantize.h"
#include "ompq/qat/finetune_options.h"
#include "ompq/report/finetuning.h"
#include "ompq/training/training_options.h"

namespace ompq::qat {

/// Trains a network under an allocation, on `training` samples, validates after every epoch on
/// `evaluation`, and writes OUT.onnx after the first epoch and every better one: the best network
/// so far (top-1; without labels, agreement with the float network), which is the one that training
/// started from until an epoch is better; OUT.last.onnx is the last epoch's, where that is another.
/// All files are written atomically.
///
/// The state is kept in a checkpoint: after every epoch, every so many seconds, and when the work
/// is interrupted. The same call then goes on, and ends with the same bytes as one that was never
/// stopped.
///
/// @param unfolded  the model before its batch norms were folded, see load_unfolded().
/// @throws ConfigError for options that do not go together; DataError for a sample that cannot be
/// used, or a loss that is no number any more (what was last kept stays); FileError; Interrupted.
[[nodiscard]] report::Finetuning finetune(const pipeline::Model& model,
                                          const graph::Graph& unfolded,
                                          pipeline::Samples& samples,
                                          pipeline::Samples& training,
                                          pipeline::Samples& evaluation,
                                          const FinetuneOptions& options,
                                          const ProgressHandler& progress = {});

}  // namespace ompq::qat

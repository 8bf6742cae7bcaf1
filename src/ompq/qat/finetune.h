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

/// Trains a network under an allocation on the `training` samples and validates it on `evaluation`
/// after every epoch. OUT.onnx is written after the first epoch and after every better one, with
/// the best network so far (by top-1, or without labels by agreement with the float network), which
/// may be the one that training started from. OUT.last.onnx is the last epoch's network, if that is
/// not the best. All files are written atomically.
///
/// The state is saved in a checkpoint after every epoch, at intervals, and on interruption. The
/// same call then resumes and gives the same bytes as an uninterrupted run.
///
/// @param unfolded  the model before folding its batch norms, see pipeline::TrainableModel.
/// @throws ConfigError for incompatible options; DataError for a sample that cannot be used, or a
/// loss that is NaN or infinite (the last checkpoint is kept); FileError; Interrupted.
[[nodiscard]] report::Finetuning finetune(const pipeline::Model& model,
                                          const graph::Graph& unfolded,
                                          pipeline::Samples& samples,
                                          pipeline::Samples& training,
                                          pipeline::Samples& evaluation,
                                          const FinetuneOptions& options,
                                          const ProgressHandler& progress = {});

}  // namespace ompq::qat

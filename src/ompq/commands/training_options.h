#pragma once

#include "ompq/commands/context.h"
#include "ompq/options/options.h"
#include "ompq/qat/finetune.h"

namespace ompq::commands {

/// All samples of --data, or --train-samples of them.
[[nodiscard]] pipeline::Samples training_samples(const Context& context,
                                                 const pipeline::Model& model);
/// --eval-data, or a held-out tenth of --data, or --limit of it if given.
[[nodiscard]] pipeline::Samples validation_samples(const Context& context,
                                                   const pipeline::Model& model,
                                                   const pipeline::Samples& calibration);
/// The options of `finetune`.
/// @param images  true if the training samples are images; others are augmented only if requested.
[[nodiscard]] qat::FinetuneOptions finetune_options(const OptionValues& options,
                                                    const pipeline::Model& model,
                                                    bool images);

}  // namespace ompq::commands

#pragma once

#include <array>

#include "ompq/core/options.h"

/// How weights become codes: the options of the method, its effort and what goes around it.
namespace ompq::options {

inline constexpr std::array<OptionRecord, 11> kRounding{{
    {.name = "method",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "auto",
     .choices = "auto|nearest|gptq|adaround|brecq|qdrop|distill",
     .group = "Rounding",
     .text = "how weights become codes: to the nearest; error-compensated, layer by layer (gptq); "
             "learned by layers (adaround) or blocks (brecq, qdrop); gptq and then scales and "
             "biases of the whole network (distill); auto takes the best for --effort"},
    {.name = "effort",
     .type = OptionType::Choice,
     .value_name = "EFFORT",
     .fallback = "fast",
     .choices = "fast|balanced|best",
     .group = "Rounding",
     .text = "how many samples and iterations the method takes; what it will cost is said first"},
    {.name = "prepare",
     .type = OptionType::Choices,
     .value_name = "STEP,...",
     .fallback = "none",
     .choices = "none|equalize|bias-correction|analytic-bias-correction|norm-reestimation",
     .group = "Rounding",
     .text = "steps around the rounding: cross-layer equalization before it; after rounding to "
             "nearest, bias correction with data, or from folded batch norms without, and the "
             "re-estimation of norms. gptq corrects biases by itself"},
    {.name = "fisher",
     .group = "Rounding",
     .text = "weigh errors of blocks by squared gradients of the network's loss (adaround, brecq, "
             "qdrop)"},
    {.name = "tuning-samples",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "samples of --data that the method works with, the calibration samples among them; by "
             "default 256 to 1024, by --effort"},
    {.name = "iterations",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "iterations of each block for adaround, brecq and qdrop, instead of the effort's"},
    {.name = "epochs",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "passes over the samples for distill, instead of the effort's"},
    {.name = "augment",
     .type = OptionType::Choice,
     .value_name = "PRESET",
     .fallback = "light",
     .choices = "none|shift|light|standard|strong",
     .group = "Rounding",
     .text = "how distill varies images: not at all; shifts or crops; also mirrored; also colours; "
             "also parts erased; samples that are no images stay as they are"},
    {.name = "memory",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Rounding",
     .text = "memory for cached activations, such as 2GiB; what is beyond it lies in a file; by "
             "default a quarter of the machine's, 3 GiB at most"},
    {.name = "explain",
     .group = "Output",
     .text = "find out where the result loses its signal: per layer and block what it had before "
             "and after the method, the worst layers, and what to do about them"},
    {.name = "journal",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "where finished layers and blocks are kept until all are done, so that the same "
             "command goes on after a kill; by default next to the output",
     .writes = true},
}};

}  // namespace ompq::options

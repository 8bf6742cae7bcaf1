#pragma once

#include <array>

#include "ompq/options/names.h"
#include "ompq/options/options.h"
#include "ompq/options/sample_options.h"

/// How weights are rounded to codes: the method, its effort and further steps.
namespace ompq::options {

inline constexpr std::array<OptionRecord, 10> kRounding{{
    {.name = "method",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "auto",
     .choices = {kMethodNamesOrAuto, "method"},
     .group = "Rounding",
     .text = "how weights are rounded: to nearest; with error compensation, layer by layer (gptq); "
             "learned per layer (adaround) or per block (brecq, qdrop); gptq followed by tuning "
             "the scales and biases of the whole network (distill); auto picks the best method for "
             "--effort"},
    {.name = "effort",
     .type = OptionType::Choice,
     .value_name = "EFFORT",
     .fallback = "fast",
     .choices = "fast|balanced|best",
     .group = "Rounding",
     .text = "how many samples and iterations the method uses; the expected cost is printed first"},
    {.name = "prepare",
     .type = OptionType::Choices,
     .value_name = "STEP,...",
     .fallback = "none",
     .choices = "none|equalize|bias-correction|analytic-bias-correction|norm-reestimation",
     .group = "Rounding",
     .text = "additional steps: cross-layer equalization before rounding; after rounding to "
             "nearest, bias correction with data (or without data, from folded batch norms) and "
             "re-estimation of batch norm statistics. gptq corrects biases itself"},
    {.name = "fisher",
     .group = "Rounding",
     .text = "weight block errors by the squared gradients of the loss (adaround, brecq, qdrop)"},
    {.name = "tuning-samples",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "number of samples of --data that the method uses, including the calibration samples; "
             "by default 256 to 1024, depending on --effort"},
    {.name = "iterations",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "iterations per block for adaround, brecq and qdrop; overrides --effort"},
    {.name = "epochs",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Rounding",
     .text = "passes over the samples for distill, fewer than 1,000 repeated up to that number; "
             "overrides --effort"},
    {.name = "augment",
     .type = OptionType::Choice,
     .value_name = "PRESET",
     .fallback = "light",
     .choices = kAugmentations,
     .group = "Rounding",
     .text = "data augmentation for distill; each preset adds to the one before: none; shifts or "
             "crops; mirroring; colours; random erasing. Samples that are not images are never "
             "changed"},
    {.name = "explain",
     .group = "Output",
     .text = "report where the result loses signal: the signal-to-noise ratio of each layer and "
             "block before and after the method, the worst layers, and what to do about them"},
    {.name = "journal",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "file that keeps finished layers and blocks, so that the same command resumes after "
             "an interruption; by default next to the output. Removed at the end",
     .writes = true},
}};

}  // namespace ompq::options

#pragma once

#include <array>

#include "ompq/options/options.h"

/// Options of `ompq diff`.
namespace ompq::options {

inline constexpr std::array<OptionRecord, 2> kTwoModelOperands{{
    {.name = "A",
     .type = OptionType::Path,
     .value_name = "A",
     .required = true,
     .text = "the reference network, an ONNX file"},
    {.name = "B",
     .type = OptionType::Path,
     .value_name = "B",
     .required = true,
     .text = "another form of it: quantized, or written by another tool"},
}};

inline constexpr OptionRecord kSnr{
    .name = "snr",
    .type = OptionType::Number,
    .value_name = "DB",
    .fallback = "30",
    .lower = -kUnbounded,
    .group = "Comparison",
    .text = "the networks diverge at the first layer whose signal-to-noise ratio is below this"};

}  // namespace ompq::options

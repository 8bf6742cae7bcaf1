#pragma once

#include "ompq/core/options.h"

/// The form of the network that a command writes.
namespace ompq::options {

inline constexpr OptionRecord kFormat{
    .name = "format",
    .type = OptionType::Choice,
    .value_name = "FORMAT",
    .fallback = "packed",
    .choices = "packed|qdq|float|encodings|c-header",
    .group = "Output",
    .text =
        "how weights are stored: packed into exactly their bits; one a byte behind "
        "DequantizeLinear, for tools that look for that (those of 4 bits and fewer two a byte with "
        "--opset 21); as the float32 numbers that they stand for; so with AIMET's encodings "
        "beside; "
        "as arrays for a program in C. Budgets count the last two as packed"};

inline constexpr OptionRecord kOpset{
    .name = "opset",
    .type = OptionType::Integer,
    .value_name = "N",
    .lower = 7,
    .upper = 21,
    .group = "Output",
    .text =
        "opset of the written file, from 13 and that of MODEL to 21; by default that of MODEL, "
        "or 13 where that is older. With 21, qdq stores weights of 4 bits and fewer as int4"};

}  // namespace ompq::options

#pragma once

#include "ompq/core/options.h"

/// Files that commands read and write, and their forms.
namespace ompq::options {

inline constexpr OptionRecord kAllocationOut{.name = "output",
                                             .short_name = 'o',
                                             .type = OptionType::Path,
                                             .value_name = "BITS.json",
                                             .group = "Output",
                                             .text =
                                                 "write the allocation to this file, which "
                                                 "'ompq quantize --allocation' reads",
                                             .writes = true};

inline constexpr OptionRecord kTableOut{.name = "output",
                                        .short_name = 'o',
                                        .type = OptionType::Path,
                                        .value_name = "TABLE.csv",
                                        .required = true,
                                        .group = "Output",
                                        .text = "the table to write",
                                        .writes = true};

inline constexpr OptionRecord kModelOut{
    .name = "output",
    .short_name = 'o',
    .type = OptionType::Path,
    .value_name = "OUT.onnx",
    .required = true,
    .group = "Output",
    .text =
        "the file to write; how images become numbers is written next to it, in "
        "OUT.preprocess.json",
    .writes = true};

inline constexpr OptionRecord kAllocationIn{
    .name = "allocation",
    .short_name = 'a',
    .type = OptionType::Path,
    .value_name = "BITS.json",
    .group = "Budget",
    .text = "take the bits of each layer from this file instead of searching for them"};

inline constexpr OptionRecord kFormat{
    .name = "format",
    .type = OptionType::Choice,
    .value_name = "FORMAT",
    .fallback = "packed",
    .choices = "packed|qdq|float|encodings|c-header",
    .group = "Output",
    .text =
        "how weights are stored: packed into exactly their bits; one a byte before "
        "DequantizeLinear, for tools that look for that (those of 4 bits and fewer two a byte with "
        "--opset 21); as the float32 numbers that they stand for; so with AIMET's encodings "
        "next to it; "
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

#pragma once

#include "ompq/options/options.h"

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
        "the file to write; its preprocessing is written to OUT.preprocess.json in the same folder",
    .writes = true};

inline constexpr OptionRecord kAllocationIn{
    .name = "allocation",
    .short_name = 'a',
    .type = OptionType::Path,
    .value_name = "BITS.json",
    .group = "Budget",
    .text = "use the bit-widths in this file instead of searching"};

/// Rows of ptq::file_formats().
inline constexpr char kFormatNames[] = "packed|qdq|float|encodings|c-header";

inline constexpr OptionRecord kFormat{
    .name = "format",
    .type = OptionType::Choice,
    .value_name = "FORMAT",
    .fallback = "packed",
    .choices = {kFormatNames, "format"},
    .group = "Output",
    .text =
        "how weights are stored: packed, with exactly the allocated bits; qdq, one code per byte "
        "with DequantizeLinear, as other tools expect (with --opset 21, codes of 4 bits or fewer "
        "take half a byte, and with 25 those of 2 bits or fewer a quarter); float, as the float32 "
        "values that they represent; encodings, as float "
        "with an AIMET encodings file; c-header, as arrays for a C program. Budgets count the last "
        "two as packed"};

inline constexpr OptionRecord kOpset{
    .name = "opset",
    .type = OptionType::Integer,
    .value_name = "N",
    .lower = 7,
    .upper = 25,
    .group = "Output",
    .text =
        "opset of the written file: at least 13 and at least MODEL's, at most 25; by default "
        "MODEL's, or 13 if that is older. With 21, qdq stores weights of 4 bits or fewer as int4, "
        "and with 25 those of 2 bits or fewer as int2"};

/// Rows of targets::target_table().
inline constexpr char kTargetNames[] =
    "exact|onnxruntime|onnxruntime-avx2|openvino|tensorrt|qnn|litert|weights";

inline constexpr OptionRecord kTarget{
    .name = "target",
    .type = OptionType::Choice,
    .value_name = "NAME",
    .fallback = "onnxruntime",
    .choices = {kTargetNames, "target"},
    .group = "Output",
    .text =
        "where the file will run. onnxruntime: with quantized activations, layers run on the "
        "integer kernels of ONNX Runtime and OpenVINO, which is faster; operators between "
        "layers are quantized, too. onnxruntime-avx2: the same for processors without VNNI, where "
        "weights have at most 7 bits, since larger ones would overflow. openvino, tensorrt, qnn, "
        "litert: as these runtimes need it; --format is qdq by default for the last three. "
        "weights: activations stay float. exact: layers run in float between quantizers, with the "
        "same outputs to the bit in every runtime. docs/targets.md has the rules of each"};

}  // namespace ompq::options

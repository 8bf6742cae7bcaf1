#pragma once

#include <array>

#include "ompq/core/options.h"

/// The options of all commands, in groups by what they are about; command_table.cpp puts them
/// together.
namespace ompq::options {

inline constexpr double kUnbounded = 0x1p53;

/// Rows of pipeline::allocator_table(), which a test holds this to.
inline constexpr std::string_view kAllocatorNames =
    "auto|output-mse|output-kl|pairwise|local-error|weight-mse|fisher|hessian|orm-error|orm|"
    "orm-ilp|projection|size-only|uniform|random";
inline constexpr std::string_view kAllocatorNamesOrNone =
    "auto|output-mse|output-kl|pairwise|local-error|weight-mse|fisher|hessian|orm-error|orm|"
    "orm-ilp|projection|size-only|uniform|random|none";
inline constexpr std::string_view kAllocatorNamesOrAll =
    "all|auto|output-mse|output-kl|pairwise|local-error|weight-mse|fisher|hessian|orm-error|orm|"
    "orm-ilp|projection|size-only|uniform|random";

// --- operands --------------------------------------------------------------------------------

inline constexpr std::array<OptionRecord, 1> kModelOperand{{
    {.name = "MODEL",
     .type = OptionType::Path,
     .value_name = "MODEL",
     .required = true,
     .text = "the network, an ONNX file"},
}};

inline constexpr std::array<OptionRecord, 1> kRunOperand{{
    {.name = "RUN.json",
     .type = OptionType::Paths,
     .value_name = "RUN.json",
     .required = true,
     .text =
         "results that --result or --json wrote: of search, quantize, finetune, compare, sweep"},
}};

inline constexpr std::array<OptionRecord, 1> kShellOperand{{
    {.name = "SHELL",
     .type = OptionType::Choice,
     .value_name = "SHELL",
     .choices = "bash|zsh",
     .required = true,
     .text = "the shell to complete in: bash or zsh"},
}};

// --- options, by what they are about ------------------------------------------------------------

inline constexpr std::array<OptionRecord, 7> kCommonOptions{{
    {.name = "json",
     .group = "Common",
     .text = "print one JSON document on standard output instead of tables"},
    {.name = "quiet",
     .short_name = 'q',
     .group = "Common",
     .text = "show no progress and no warnings on standard error"},
    {.name = "verbose", .short_name = 'v', .group = "Common", .text = "say more on standard error"},
    {.name = "seed",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "0",
     .group = "Common",
     .text = "seed of everything that is drawn at random, such as the choice of samples"},
    {.name = "threads",
     .short_name = 'j',
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "0",
     .upper = 1024,
     .group = "Common",
     .text = "threads to compute with; 0 means all cores"},
    {.name = "device",
     .type = OptionType::Choice,
     .value_name = "DEVICE",
     .fallback = "cpu",
     .choices = "cpu|cuda",
     .group = "Common",
     .text = "where networks run"},
    {.name = "help", .short_name = 'h', .group = "Common", .text = "print this help and exit"},
}};

inline constexpr std::array<OptionRecord, 1> kInputShape{{
    {.name = "input-shape",
     .type = OptionType::NamedShape,
     .value_name = "NAME=N,C,H,W",
     .group = "Model",
     .text =
         "extents of a network input that the file leaves open, instead of those of the samples; "
         "may be repeated, and -1 keeps the batch open"},
}};

inline constexpr std::array<OptionRecord, 1> kPrecision{{
    {.name = "precision",
     .type = OptionType::Choice,
     .value_name = "TYPE",
     .fallback = "auto",
     .choices = "float32|bfloat16|auto",
     .group = "Model",
     .text = "arithmetic of the forward passes that measure features and sensitivity; auto takes "
             "bfloat16 where the processor multiplies it natively"},
}};

inline constexpr OptionRecord kEvaluationPrecision{
    .name = "precision",
    .type = OptionType::Choice,
    .value_name = "TYPE",
    .fallback = "float32",
    .choices = "float32|bfloat16|auto",
    .group = "Model",
    .text =
        "arithmetic of the forward passes; auto takes bfloat16 where the processor multiplies "
        "it natively"};

inline constexpr OptionRecord kData{
    .name = "data",
    .short_name = 'd',
    .type = OptionType::Path,
    .value_name = "SRC",
    .required = true,
    .group = "Data",
    .text =
        "samples: a folder of class folders, a flat folder of images (labels.csv next to them "
        "is optional), IDX files, CIFAR-10 binary batches, an .npz file with an array for each "
        "input (or x) and labels y, an .npy file, or a folder of .npy files"};

inline constexpr OptionRecord kSamples{
    .name = "samples",
    .short_name = 'n',
    .type = OptionType::Integer,
    .value_name = "N",
    .fallback = "64",
    .lower = 2,
    .group = "Data",
    .text =
        "samples to measure the network with, drawn with --seed; where --data also measures the "
        "result and holds no more than these, a quarter of it is left for that"};

inline constexpr OptionRecord kCalibrationSplit{
    .name = "split",
    .type = OptionType::Choice,
    .value_name = "SPLIT",
    .fallback = "train",
    .choices = "train|test",
    .group = "Data",
    .text = "which part to draw from where the source holds both (IDX, CIFAR-10)"};

inline constexpr OptionRecord kEvaluationSplit{
    .name = "split",
    .type = OptionType::Choice,
    .value_name = "SPLIT",
    .fallback = "test",
    .choices = "train|test",
    .group = "Data",
    .text = "which part to evaluate on where the source holds both (IDX, CIFAR-10)"};

inline constexpr std::array<OptionRecord, 2> kLoading{{
    {.name = "batch",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "64",
     .lower = 1,
     .upper = 65536,
     .group = "Data",
     .text = "samples in one forward pass"},
    {.name = "skip-broken",
     .group = "Data",
     .text = "leave out samples that cannot be read, and say how many"},
}};

inline constexpr std::array<OptionRecord, 8> kPreprocessing{{
    {.name = "preprocess",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Preprocessing",
     .text = "how images become numbers: an ompq-preprocess/1 JSON file, Hugging Face's "
             "preprocessor_config.json or timm's config.json; without it, MODEL.preprocess.json "
             "next to the model is taken if it is there"},
    {.name = "channels",
     .type = OptionType::Choice,
     .value_name = "ORDER",
     .choices = "rgb|bgr|gray",
     .group = "Preprocessing",
     .text = "colour channels of the input (overrides the file, as do the options below)"},
    {.name = "scale",
     .type = OptionType::Number,
     .value_name = "X",
     .lower = -kUnbounded,
     .group = "Preprocessing",
     .text = "factor for each pixel, such as 1/255; value = (pixel * scale - mean) / std"},
    {.name = "mean",
     .type = OptionType::Numbers,
     .value_name = "X,...",
     .lower = -kUnbounded,
     .group = "Preprocessing",
     .text = "mean to subtract, one number per channel"},
    {.name = "std",
     .type = OptionType::Numbers,
     .value_name = "X,...",
     .lower = 0x1p-100,
     .group = "Preprocessing",
     .text = "deviation to divide by, one number per channel"},
    {.name = "resize",
     .type = OptionType::Integer,
     .value_name = "PIXELS",
     .lower = 1,
     .upper = 65536,
     .group = "Preprocessing",
     .text = "length that the shorter side is resized to"},
    {.name = "crop",
     .type = OptionType::Integer,
     .value_name = "PIXELS",
     .lower = 1,
     .upper = 65536,
     .group = "Preprocessing",
     .text = "side of the square that is cut out of the centre; without --resize, nothing is "
             "resized before"},
    {.name = "interpolation",
     .type = OptionType::Choice,
     .value_name = "FILTER",
     .choices = "bilinear|bicubic|lanczos|nearest",
     .group = "Preprocessing",
     .text = "how images are resized, with antialiasing but for nearest; bilinear by default"},
}};

inline constexpr std::array<OptionRecord, 8> kBudget{{
    {.name = "size",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "the network's bytes, such as 6.7MB (decimal) or 6.7MiB (binary), counted by "
             "--accounting; of several budgets all hold"},
    {.name = "avg-bits",
     .type = OptionType::Number,
     .value_name = "BITS",
     .lower = 1,
     .upper = 8,
     .group = "Budget",
     .text = "bits per weight on average"},
    {.name = "compression",
     .type = OptionType::Ratio,
     .value_name = "RATIO",
     .lower = 1,
     .upper = 1000,
     .group = "Budget",
     .text = "how many times smaller than the float file, such as 10x"},
    {.name = "weight-size",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "bytes of the weights' codes alone, without scales and whatever else the file holds"},
    {.name = "bops",
     .type = OptionType::Count,
     .value_name = "COUNT",
     .lower = 1,
     .group = "Budget",
     .text = "bit operations for one sample, such as 75G: multiply-accumulates x weight bits x "
             "activation bits"},
    {.name = "act-size",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "peak bytes of the activations that are alive at one moment, for one sample"},
    {.name = "latency",
     .type = OptionType::Duration,
     .value_name = "TIME",
     .group = "Budget",
     .text = "time for one sample, such as 3.5ms, by the measurements of --latency-table"},
    {.name = "latency-table",
     .type = OptionType::Path,
     .value_name = "TABLE.csv",
     .group = "Budget",
     .text = "measured microseconds of each layer and width pair; 'ompq latency-table' writes an "
             "empty one"},
}};

inline constexpr std::array<OptionRecord, 3> kByHand{{
    {.name = "pin",
     .type = OptionType::NamedWidths,
     .value_name = "NAME=B",
     .lower = 1,
     .upper = 8,
     .group = "By hand",
     .text = "give a layer this width; a name may hold * and ?, and the option may be repeated"},
    {.name = "exclude",
     .type = OptionType::Globs,
     .value_name = "NAME,...",
     .group = "By hand",
     .text = "layers that stay float; names may hold * and ?, and the option may be repeated"},
    {.name = "first-last",
     .type = OptionType::Integer,
     .value_name = "B",
     .lower = 1,
     .upper = 8,
     .group = "By hand",
     .text = "width of the first and of the last layer"},
}};

inline constexpr OptionRecord kAllocator{
    .name = "allocator",
    .type = OptionType::Choice,
    .value_name = "NAME",
    .fallback = "auto",
    .choices = kAllocatorNames,
    .group = "Allocation",
    .text =
        "what an allocation is judged by: auto tries all of them on the samples and refines "
        "the best; docs/metrics.md says what each one measures and costs"};

inline constexpr OptionRecord kBeside{
    .name = "beside",
    .type = OptionType::Choices,
    .value_name = "NAME,...",
    .fallback = "uniform,size-only,orm",
    .choices = kAllocatorNamesOrNone,
    .group = "Allocation",
    .text =
        "allocators whose answer to the same budget is shown next to the chosen one; without "
        "this option those are left out that need measurements of their own"};

inline constexpr OptionRecord kAllocators{
    .name = "allocators",
    .type = OptionType::Choices,
    .value_name = "NAME,...",
    .fallback = "all",
    .choices = kAllocatorNamesOrAll,
    .group = "Allocation",
    .text = "which allocators to compare; all means every one but random"};

inline constexpr OptionRecord kCandidates{
    .name = "candidates",
    .type = OptionType::Widths,
    .value_name = "[NAME=]B,...",
    .fallback = "1,2,3,4,5,6,7,8",
    .lower = 1,
    .upper = 8,
    .group = "Allocation",
    .text =
        "bit-widths that every layer may get, or, with a name, which may hold * and ?, that "
        "some may; may be repeated (the schemes of the paper bring their own)"};

inline constexpr OptionRecord kTimeLimit{
    .name = "time-limit",
    .type = OptionType::Duration,
    .value_name = "TIME",
    .fallback = "60s",
    .group = "Allocation",
    .text =
        "how long auto may measure, rank and refine, such as 60s; what is best by then is taken"};

inline constexpr OptionRecord kFor{
    .name = "for",
    .type = OptionType::Choice,
    .value_name = "ROUNDING",
    .fallback = "auto",
    .choices = "auto|nearest|gptq",
    .group = "Allocation",
    .text =
        "the rounding that metrics are measured with: the best bits for rounding to nearest are "
        "not the best for a method that compensates errors; auto takes nearest for search, and "
        "what goes with --method for quantize"};

inline constexpr OptionRecord kBeta{
    .name = "beta",
    .type = OptionType::Number,
    .value_name = "X",
    .fallback = "1",
    .group = "Allocation",
    .text = "sharpness of the paper's importance, theta = exp(-beta gamma)"};

inline constexpr OptionRecord kResult{
    .name = "result",
    .type = OptionType::Path,
    .value_name = "FILE",
    .group = "Output",
    .text = "write everything that was measured and decided to this JSON file",
    .writes = true};

inline constexpr OptionRecord kCsv{.name = "csv",
                                   .type = OptionType::Path,
                                   .value_name = "FILE",
                                   .group = "Output",
                                   .text = "write the rows as comma-separated values to this file",
                                   .writes = true};

inline constexpr OptionRecord kPageOut{
    .name = "output",
    .short_name = 'o',
    .type = OptionType::Path,
    .value_name = "FILE",
    .fallback = "report.html",
    .group = "Output",
    .text = "where the page goes; one file that needs no network and no other file",
    .writes = true};

/// The paper's rules, for commands with one budget.
inline constexpr std::array<OptionRecord, 4> kPaperRules{{
    {.name = "scheme",
     .type = OptionType::Choice,
     .value_name = "SCHEME",
     .fallback = "default",
     .choices = "default|paper-ptq|paper-qat",
     .group = "Allocation",
     .text = "rules for ranges, first and last layer, accounting and solver: ours, or those of the "
             "paper for post-training quantization (2..4 bits) or for quantization-aware training "
             "(4..8 bits, first and last layer at 8)"},
    {.name = "solver",
     .type = OptionType::Choice,
     .value_name = "SOLVER",
     .choices = "ilp|lp|projection",
     .group = "Allocation",
     .text = "for orm: the exact integer program, the paper's linear program with rounding, or the "
             "projection that its published lists follow; by default lp"},
    {.name = "rounding",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .choices = "nearest|dfs",
     .group = "Allocation",
     .text = "how lp and projection become whole bits: to the nearest, or by depth-first search "
             "over floor and ceiling for the largest total that fits; by default dfs"},
    {.name = "accounting",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .choices = "disk|paper",
     .group = "Allocation",
     .text = "what counts as size: the bytes of the file that is written, or the paper's formula; "
             "by default disk, and paper with a scheme of the paper"},
}};

/// Budgets of a comparison: one network a value.
inline constexpr std::array<OptionRecord, 2> kBudgets{{
    {.name = "avg-bits",
     .type = OptionType::Numbers,
     .value_name = "BITS,...",
     .lower = 1,
     .upper = 8,
     .group = "Budget",
     .text = "budgets in bits per weight on average, such as 2.5,3,3.5,4"},
    {.name = "size",
     .type = OptionType::ByteCounts,
     .value_name = "BYTES,...",
     .lower = 1,
     .group = "Budget",
     .text = "budgets in bytes of the written file, such as 800kB,1.5MiB"},
}};

inline constexpr std::array<OptionRecord, 2> kComparison{{
    {.name = "random",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "16",
     .upper = 10000,
     .group = "Allocation",
     .text = "random allocations a budget, over which each metric's rank correlation with what "
             "was measured is taken"},
    {.name = "journal",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "where finished rows are kept until all are done, so that the same command goes on "
             "after a kill; by default a file in the current folder, named after the model and "
             "the options",
     .writes = true},
}};

inline constexpr std::array<OptionRecord, 4> kSweep{{
    {.name = "points",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "24",
     .lower = 2,
     .upper = 1000,
     .group = "Allocation",
     .text = "allocations on the curve"},
    {.name = "metric",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "output-mse",
     .choices = "output-mse|output-kl|local-error|weight-mse|fisher|hessian|orm-error",
     .group = "Allocation",
     .text = "what the curve is made of; docs/metrics.md says what each one measures and costs"},
    {.name = "pick",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "write the best allocation whose file is not larger, such as 6.7MB, to --output"},
    {.name = "output",
     .short_name = 'o',
     .type = OptionType::Path,
     .value_name = "BITS.json",
     .group = "Output",
     .text = "write the picked allocation, or that of the knee, to this file",
     .writes = true},
}};

inline constexpr std::array<OptionRecord, 3> kQuantizers{{
    {.name = "act-bits",
     .type = OptionType::Choices,
     .value_name = "BITS,...",
     .fallback = "8",
     .choices = "2|3|4|5|6|7|8|float",
     .group = "Quantization",
     .text = "bits of the activations; of several, such as 4,6,8, each activation gets its own; "
             "float quantizes weights alone"},
    {.name = "input-bits",
     .type = OptionType::Integer,
     .value_name = "BITS",
     .fallback = "8",
     .lower = 2,
     .upper = 8,
     .group = "Quantization",
     .text = "bits of the network's own inputs, such as images, where activations are quantized"},
    {.name = "weight-symmetry",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .fallback = "asymmetric",
     .choices = "symmetric|asymmetric",
     .group = "Quantization",
     .text = "whether a weight's range is centred on zero; one of 1 bit always is"},
}};

inline constexpr std::array<OptionRecord, 1> kActivationRange{{
    {.name = "act-range",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .fallback = "mse",
     .choices = "minmax|percentile|mse",
     .group = "Quantization",
     .text = "how an activation's range is chosen from its histogram"},
}};

inline constexpr std::array<OptionRecord, 2> kMeasured{{
    {.name = "eval-data",
     .type = OptionType::Path,
     .value_name = "SRC",
     .group = "Data",
     .text = "samples to measure the result with, their test part where they have parts; without "
             "it, up to 256 samples of --data that calibration did not see"},
    {.name = "limit",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Data",
     .text = "measure the result with N samples, drawn with --seed"},
}};

inline constexpr std::array<OptionRecord, 4> kEvaluation{{
    {.name = "limit",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Data",
     .text = "evaluate on the first N samples alone"},
    {.name = "reference",
     .short_name = 'r',
     .type = OptionType::Path,
     .value_name = "MODEL",
     .group = "Evaluation",
     .text = "the float network to compare outputs with; needs no labels"},
    {.name = "save-outputs",
     .type = OptionType::Path,
     .value_name = "FILE.npz",
     .group = "Output",
     .text = "write what the network said, array 'logits', one row per sample",
     .writes = true},
    {.name = "result",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "write the evaluation to this JSON file",
     .writes = true},
}};

}  // namespace ompq::options

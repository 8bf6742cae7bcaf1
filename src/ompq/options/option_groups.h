#pragma once

#include <array>

#include "ompq/options/names.h"
#include "ompq/options/options.h"

/// The options of all commands, in groups by what they are about; command_table.cpp puts them
/// together.
namespace ompq::options {

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
         "results of search, quantize, finetune, compare or sweep, written by --result or --json"},
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

inline constexpr std::array<OptionRecord, 8> kCommonOptions{{
    {.name = "json",
     .group = "Common",
     .text = "print one JSON document to standard output instead of tables"},
    {.name = "quiet",
     .short_name = 'q',
     .group = "Common",
     .text = "print no progress and no warnings"},
    {.name = "verbose",
     .short_name = 'v',
     .group = "Common",
     .text = "print more details to standard error"},
    {.name = "seed",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "0",
     .group = "Common",
     .text = "seed of all random choices, such as which samples are drawn"},
    {.name = "threads",
     .short_name = 'j',
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "0",
     .upper = 1024,
     .group = "Common",
     .text = "number of threads; 0 uses all cores"},
    {.name = "device",
     .type = OptionType::Choice,
     .value_name = "DEVICE",
     .fallback = "cpu",
     .choices = "cpu|cuda",
     .group = "Common",
     .text = "device that runs the networks"},
    {.name = "memory",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Common",
     .text = "memory for the network and its activations, such as 2GiB, besides 400 MiB for the "
             "program itself: fewer samples run at once, and cached activations go to a temporary "
             "file. By default, only these caches are limited, to a quarter of the machine's "
             "memory, at most 3 GiB"},
    {.name = "help", .short_name = 'h', .group = "Common", .text = "print this help and exit"},
}};

inline constexpr std::array<OptionRecord, 1> kInputShape{{
    {.name = "input-shape",
     .type = OptionType::NamedShape,
     .value_name = "NAME=N,C,H,W",
     .group = "Model",
     .text = "shape of a network input whose dimensions the file leaves open; by default it is "
             "taken from the samples. May be repeated; -1 keeps the batch dimension open"},
}};

inline constexpr char kPrecisions[] = "float32|bfloat16|auto";

inline constexpr std::array<OptionRecord, 1> kPrecision{{
    {.name = "precision",
     .type = OptionType::Choice,
     .value_name = "TYPE",
     .fallback = "auto",
     .choices = kPrecisions,
     .group = "Model",
     .text = "precision of the forward passes that measure features and sensitivity; auto uses "
             "bfloat16 where the processor supports it natively. Candidates with quantized "
             "activations always run in float32"},
}};

inline constexpr OptionRecord kEvaluationPrecision{
    .name = "precision",
    .type = OptionType::Choice,
    .value_name = "TYPE",
    .fallback = "float32",
    .choices = kPrecisions,
    .group = "Model",
    .text =
        "precision of the forward passes; auto uses bfloat16 where the processor supports it "
        "natively"};

inline constexpr std::array<OptionRecord, 3> kByHand{{
    {.name = "pin",
     .type = OptionType::NamedWidths,
     .value_name = "NAME=B",
     .lower = 1,
     .upper = 8,
     .group = "By hand",
     .text = "fix the bit-width of a layer; the name may contain * and ?, and the option may be "
             "repeated"},
    {.name = "exclude",
     .type = OptionType::Globs,
     .value_name = "NAME,...",
     .group = "By hand",
     .text = "layers that stay float; names may contain * and ?, and the option may be repeated"},
    {.name = "first-last",
     .type = OptionType::Integer,
     .value_name = "B",
     .lower = 1,
     .upper = 8,
     .group = "By hand",
     .text = "bit-width of the first and the last layer"},
}};

inline constexpr OptionRecord kAllocator{
    .name = "allocator",
    .type = OptionType::Choice,
    .value_name = "NAME",
    .fallback = "auto",
    .choices = {kAllocatorNames, "allocator"},
    .group = "Allocation",
    .text =
        "how bit-widths are allocated: auto tries all allocators on the samples and refines the "
        "best one; docs/metrics.md says what each measures and costs"};

inline constexpr OptionRecord kBeside{
    .name = "beside",
    .type = OptionType::Choices,
    .value_name = "NAME,...",
    .fallback = "uniform,size-only,orm",
    .choices = {kAllocatorNamesOrNone, "allocator"},
    .group = "Allocation",
    .text =
        "allocators to show next to the chosen one for the same budget; by default only those that "
        "need no further measurements"};

inline constexpr OptionRecord kAllocators{
    .name = "allocators",
    .type = OptionType::Choices,
    .value_name = "NAME,...",
    .fallback = "all",
    .choices = {kAllocatorNamesOrAll, "allocator"},
    .group = "Allocation",
    .text = "allocators to compare; all means every allocator except random"};

inline constexpr OptionRecord kCandidates{
    .name = "candidates",
    .type = OptionType::Widths,
    .value_name = "[NAME=]B,...",
    .fallback = "1,2,3,4,5,6,7,8",
    .lower = 1,
    .upper = 8,
    .group = "Allocation",
    .text =
        "candidate bit-widths of all layers, or, with a name (which may contain * and ?), of some "
        "layers; may be repeated. The paper's schemes set their own"};

inline constexpr OptionRecord kTimeLimit{.name = "time-limit",
                                         .type = OptionType::Duration,
                                         .value_name = "TIME",
                                         .fallback = "60s",
                                         .lower = kAboveZero,
                                         .group = "Allocation",
                                         .text =
                                             "time limit for the search of auto, such as 60s; what "
                                             "does not end in it is left out, as the "
                                             "report says"};

inline constexpr OptionRecord kFor{
    .name = "for",
    .type = OptionType::Choice,
    .value_name = "METHOD",
    .fallback = "auto",
    .choices = {kMethodNamesOrAuto, "method"},
    .group = "Allocation",
    .text =
        "rounding method that bit-widths are searched for. Metrics are measured with rounding to "
        "nearest, or for all other methods with error compensation, since the best bit-widths "
        "differ. auto: nearest for search and compare, --method for quantize. compare rounds its "
        "networks in the same way"};

inline constexpr OptionRecord kBeta{
    .name = "beta",
    .type = OptionType::Number,
    .value_name = "X",
    .fallback = "1",
    .group = "Allocation",
    .text = "beta of the paper's importance, theta = exp(-beta gamma)"};

inline constexpr OptionRecord kResult{
    .name = "result",
    .type = OptionType::Path,
    .value_name = "FILE",
    .group = "Output",
    .text = "write all measurements and decisions to this JSON file",
    .writes = true};

inline constexpr OptionRecord kCsv{.name = "csv",
                                   .type = OptionType::Path,
                                   .value_name = "FILE",
                                   .group = "Output",
                                   .text = "write the rows as comma-separated values to this file",
                                   .writes = true};

inline constexpr OptionRecord kDemoOut{
    .name = "output",
    .short_name = 'o',
    .type = OptionType::Path,
    .value_name = "FOLDER",
    .fallback = "ompq-demo",
    .group = "Output",
    .text = "folder for the network, the result and the page; created if it is missing"};

inline constexpr OptionRecord kPageOut{
    .name = "output",
    .short_name = 'o',
    .type = OptionType::Path,
    .value_name = "FILE",
    .fallback = "report.html",
    .group = "Output",
    .text = "the page to write: a single file that works offline",
    .writes = true};

/// The paper's rules, for commands with one budget.
inline constexpr std::array<OptionRecord, 4> kPaperRules{{
    {.name = "scheme",
     .type = OptionType::Choice,
     .value_name = "SCHEME",
     .fallback = "default",
     .choices = "default|paper-ptq|paper-qat",
     .group = "Allocation",
     .text = "rules for ranges, first and last layer, accounting and solver: ompq's own, or the "
             "paper's for post-training quantization (2..4 bits) or quantization-aware training "
             "(4..8 bits, first and last layer at 8)"},
    {.name = "solver",
     .type = OptionType::Choice,
     .value_name = "SOLVER",
     .fallback = "lp",
     .choices = "ilp|lp|projection",
     .group = "Allocation",
     .text = "solver of orm: the exact integer program, the paper's linear program with rounding, "
             "or the projection that its published bit lists follow"},
    {.name = "rounding",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .fallback = "dfs",
     .choices = "nearest|dfs",
     .group = "Allocation",
     .text = "how lp and projection round to whole bits: to nearest, or by depth-first search over "
             "floor and ceiling for the best total within the budget"},
    {.name = "accounting",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .choices = "disk|paper",
     .group = "Allocation",
     .text = "what counts as size: the bytes of the written file, or the paper's formula; by "
             "default disk, or paper with one of the paper's schemes"},
}};

inline constexpr std::array<OptionRecord, 2> kComparison{{
    {.name = "random",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "16",
     .upper = 10000,
     .group = "Allocation",
     .text = "random allocations per budget, used to compute the rank correlation of each metric "
             "with the measured result"},
    {.name = "journal",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "file that keeps finished rows, so that the same command resumes after an "
             "interruption; by default a file in the current folder, named after the model and the "
             "options. Removed at the end",
     .writes = true},
}};

inline constexpr std::array<OptionRecord, 5> kSweep{{
    {.name = "points",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "24",
     .lower = 2,
     .upper = 1000,
     .group = "Allocation",
     .text = "number of points on the curve"},
    {.name = "metric",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "output-mse",
     .choices = {kMetricNames, "metric"},
     .group = "Allocation",
     .text = "metric that ranks allocations; docs/metrics.md says what each measures and costs"},
    {.name = "pick",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text =
         "write the best allocation whose file is at most this large, such as 6.7MB, to --output"},
    {.name = "max-loss",
     .type = OptionType::Number,
     .value_name = "X",
     .lower = 0,
     .group = "Budget",
     .text = "write the smallest allocation whose quality (--eval-command) is at most this much "
             "below the float network's to --output"},
    {.name = "output",
     .short_name = 'o',
     .type = OptionType::Path,
     .value_name = "BITS.json",
     .group = "Output",
     .text = "write the picked allocation, or the one at the knee, to this file",
     .writes = true},
}};

inline constexpr std::array<OptionRecord, 3> kQuantizers{{
    {.name = "act-bits",
     .type = OptionType::Choices,
     .value_name = "BITS,...",
     .fallback = "8",
     .choices = "2|3|4|5|6|7|8|float",
     .group = "Quantization",
     .text = "bit-width of the activations; with several, such as 4,6,8, each activation gets its "
             "own; float quantizes only the weights"},
    {.name = "input-bits",
     .type = OptionType::Integer,
     .value_name = "BITS",
     .fallback = "8",
     .lower = 2,
     .upper = 8,
     .group = "Quantization",
     .text = "bit-width of the network's inputs, such as images, if activations are quantized"},
    {.name = "weight-levels",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .fallback = "normal",
     .choices = "symmetric|asymmetric|normal",
     .group = "Quantization",
     .text = "levels of the weights of a channel: equally spaced around zero (symmetric) or in any "
             "range (asymmetric); or denser in the middle, as weights are, which loses less with 2 "
             "to 4 bits (normal). Normal levels need a table in the file: other widths are "
             "asymmetric, and so are targets other than onnxruntime, openvino, exact and weights, "
             "and by default files of --format qdq, encodings and c-header. 1-bit weights are "
             "always symmetric"},
}};

inline constexpr std::array<OptionRecord, 1> kActivationRange{{
    {.name = "act-range",
     .type = OptionType::Choice,
     .value_name = "RULE",
     .fallback = "mse",
     .choices = "minmax|percentile|mse",
     .group = "Quantization",
     .text = "how the range of an activation is chosen from its histogram"},
}};

inline constexpr OptionRecord kEvalCommand{
    .name = "eval-command",
    .type = OptionType::Text,
    .value_name = "COMMAND",
    .group = "Evaluation",
    .text =
        "run this command of a shell with the path of each evaluated file as its last argument; "
        "the number in the last line that it prints is the file's quality. For networks whose "
        "quality is not top-1, such as detectors"};

inline constexpr std::array<OptionRecord, 4> kEvaluation{{
    {.name = "limit",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Data",
     .text = "evaluate on the first N samples only"},
    {.name = "reference",
     .short_name = 'r',
     .type = OptionType::Path,
     .value_name = "MODEL",
     .group = "Evaluation",
     .text = "float model to compare outputs with; needs no labels"},
    {.name = "save-outputs",
     .type = OptionType::Path,
     .value_name = "FILE.npz",
     .group = "Output",
     .text = "write the network's outputs as array 'logits', one row per sample",
     .writes = true},
    {.name = "result",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "write the evaluation to this JSON file",
     .writes = true},
}};

}  // namespace ompq::options

#pragma once

#include <array>

#include "ompq/options/names.h"
#include "ompq/options/option_groups.h"
#include "ompq/options/options.h"
#include "ompq/options/sample_options.h"

/// How `ompq finetune` trains.
namespace ompq::options {

inline constexpr std::array<OptionRecord, 2> kTrainingStart{{
    {.name = "start",
     .type = OptionType::Choice,
     .value_name = "METHOD",
     .fallback = "gptq",
     .choices = {kMethodNames, "method"},
     .group = "Training",
     .text = "rounding method of the initial weights, one of those of quantize --method"},
    {.name = "from",
     .type = OptionType::Path,
     .value_name = "SMALL.onnx",
     .group = "Budget",
     .text = "start from this file, which 'ompq quantize' or 'ompq finetune' made from MODEL, and "
             "keep its bit-widths"},
}};

inline constexpr OptionRecord kFloatTraining{
    .name = "float",
    .group = "Budget",
    .text =
        "train MODEL itself from its current weights, without quantization; batch norm layers are "
        "kept and trained"};

inline constexpr std::array<ConditionalFallback, 2> kDefaultRates{{
    {"optimizer", "sgd", "0.0005"},
    {"optimizer", "adamw", "0.00001"},
}};
/// Batch statistics are noisy if weights jump between few levels.
inline constexpr std::array<ConditionalFallback, 2> kDefaultNorms{{
    {"float", "no", "frozen"},
    {"float", "yes", "trained"},
}};
/// A network that is trained from random weights is no teacher.
inline constexpr std::array<ConditionalFallback, 2> kDefaultDistillation{{
    {"float", "no", "1"},
    {"float", "yes", "0"},
}};

inline constexpr std::array<OptionRecord, 21> kTraining{{
    {.name = "epochs",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "10",
     .lower = 1,
     .upper = 100000,
     .group = "Training",
     .text = "passes over the training samples"},
    {.name = "quantizer",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "lsq",
     .choices = "lsq|hawq|pact",
     .group = "Training",
     .text = "how ranges are set: learned scales (lsq); the extremes of the weights and moving "
             "averages of the extremes of the activations (hawq); a learned clipping bound (pact)"},
    {.name = "norms",
     .type = OptionType::Choice,
     .value_name = "MODE",
     .choices = "frozen|trained|reestimated",
     .group = "Training",
     .text = "batch norm layers: folded before training (frozen); trained, then folded into the "
             "quantized weights; or trained, with statistics re-estimated after each epoch",
     .conditional_fallbacks = kDefaultNorms},
    {.name = "optimizer",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "sgd",
     .choices = "sgd|adamw",
     .group = "Training",
     .text = "stochastic gradient descent with momentum, or AdamW"},
    {.name = "lr",
     .type = OptionType::Number,
     .value_name = "RATE",
     .lower = 0,
     .upper = 1000,
     .group = "Training",
     .text = "peak learning rate",
     .conditional_fallbacks = kDefaultRates},
    {.name = "momentum",
     .type = OptionType::Number,
     .value_name = "X",
     .fallback = "0.9",
     .lower = 0,
     .upper = 0.9999,
     .group = "Training",
     .text = "momentum of sgd"},
    {.name = "nesterov", .group = "Training", .text = "use Nesterov momentum with sgd"},
    {.name = "weight-decay",
     .type = OptionType::Number,
     .value_name = "X",
     .fallback = "1e-4",
     .lower = 0,
     .upper = 10,
     .group = "Training",
     .text = "weight decay; applied to weights, not to scales, norms and biases"},
    {.name = "schedule",
     .type = OptionType::Choice,
     .value_name = "NAME",
     .fallback = "cosine",
     .choices = "cosine|step|constant",
     .group = "Training",
     .text = "learning rate schedule: cosine decay to 0; division by 10 after one third and two "
             "thirds of the steps; constant"},
    {.name = "warmup",
     .type = OptionType::Number,
     .value_name = "EPOCHS",
     .fallback = "0.5",
     .lower = 0,
     .upper = 100000,
     .group = "Training",
     .text = "epochs of linear warm-up from 0"},
    {.name = "label-smoothing",
     .type = OptionType::Number,
     .value_name = "X",
     .fallback = "0",
     .lower = 0,
     .upper = 0.999,
     .group = "Training",
     .text = "label smoothing: the share of the target spread evenly over all classes"},
    {.name = "distill",
     .type = OptionType::Number,
     .value_name = "SHARE",
     .lower = 0,
     .upper = 1,
     .group = "Training",
     .text = "share of the loss that compares with the float model's outputs; the rest compares "
             "with the labels. 1 needs no labels",
     .conditional_fallbacks = kDefaultDistillation},
    {.name = "temperature",
     .type = OptionType::Number,
     .value_name = "T",
     .fallback = "1",
     .lower = 0.001,
     .upper = 1000,
     .group = "Training",
     .text = "softmax temperature of the outputs that --distill compares"},
    {.name = "clip-norm",
     .type = OptionType::Number,
     .value_name = "X",
     .fallback = "1",
     .lower = 0,
     .upper = 1e9,
     .group = "Training",
     .text = "clip gradients to this global L2 norm; 0 disables clipping"},
    {.name = "average",
     .type = OptionType::Number,
     .value_name = "DECAY",
     .fallback = "0",
     .lower = 0,
     .upper = 0.999999,
     .group = "Training",
     .text = "decay of the exponential moving average of parameters and running statistics that is "
             "evaluated and written; 0 disables it"},
    {.name = "accumulate",
     .type = OptionType::Integer,
     .value_name = "N",
     .fallback = "1",
     .lower = 1,
     .upper = 1000000,
     .group = "Training",
     .text = "number of batches whose gradients are accumulated into one step"},
    {.name = "augment",
     .type = OptionType::Choice,
     .value_name = "PRESET",
     .fallback = "light",
     .choices = kAugmentations,
     .group = "Training",
     .text = "data augmentation; each preset adds to the one before: none; shifts or crops; "
             "mirroring; colours; random erasing. Samples that are not images are never changed"},
    {.name = "train-samples",
     .type = OptionType::Integer,
     .value_name = "N",
     .lower = 1,
     .group = "Training",
     .text = "train on N samples of --data, drawn at random with --seed; by default on all"},
    {.name = "patience",
     .type = OptionType::Integer,
     .value_name = "EPOCHS",
     .lower = 1,
     .group = "Training",
     .text = "stop after this many epochs without improvement"},
    {.name = "cache",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .fallback = "1GiB",
     .lower = 0,
     .group = "Training",
     .text = "memory for decoded images"},
    {.name = "checkpoint-every",
     .type = OptionType::Duration,
     .value_name = "TIME",
     .fallback = "300s",
     .lower = kAboveZero,
     .group = "Output",
     .text = "how often a checkpoint is written within an epoch; one is always written at its end"},
}};

/// Rows of ptq::file_formats() that training can write after every epoch.
inline constexpr char kTrainingFormatNames[] = "packed|qdq|float";

inline constexpr OptionRecord kTrainingFormat{
    .name = "format",
    .type = OptionType::Choice,
    .value_name = "FORMAT",
    .fallback = "packed",
    .choices = {kTrainingFormatNames, "training format"},
    .group = "Output",
    .text =
        "how weights are stored: packed, with exactly the allocated bits; qdq, one code per byte "
        "with DequantizeLinear; float, as the float32 values that they represent"};

inline constexpr OptionRecord kTrainingPrecision{
    .name = "precision",
    .type = OptionType::Choice,
    .value_name = "TYPE",
    .fallback = "auto",
    .choices = kPrecisions,
    .group = "Model",
    .text =
        "precision of measuring and training passes; parameters and validation are always float32. "
        "auto trains in float32, and measures in bfloat16 where the processor supports it "
        "natively"};

inline constexpr std::array<OptionRecord, 3> kTrainingFiles{{
    {.name = "checkpoint",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "checkpoint file, so that the same command resumes after an interruption; by default "
             "next to the output. Removed when training ends",
     .writes = true},
    {.name = "log",
     .type = OptionType::Path,
     .value_name = "FILE",
     .group = "Output",
     .text = "write one line of JSON per epoch to this file",
     .writes = true},
    {.name = "tensorboard",
     .type = OptionType::Path,
     .value_name = "FOLDER",
     .group = "Output",
     .text = "write TensorBoard event files to this folder",
     .writes = true,
     .is_folder = true},
}};

}  // namespace ompq::options

#pragma once

#include <array>

#include "ompq/options/options.h"

/// How much a network may cost or lose.
namespace ompq::options {

/// Instead of a budget, or together with others.
inline constexpr OptionRecord kMaxLoss{
    .name = "max-loss",
    .type = OptionType::Number,
    .value_name = "PERCENT",
    .lower = 0,
    .group = "Budget",
    .text =
        "find the smallest file that loses at most this many percent of the predictions: "
        "percentage points of top-1 if --data has labels, otherwise samples whose class "
        "changes. Measured on samples that no other step uses, after rounding; the result has "
        "the 95 % interval. With --eval-command ('ompq quantize'), in units of its number"};

/// One network a command.
inline constexpr std::array<OptionRecord, 7> kBudget{{
    {.name = "size",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "size of the network in bytes, such as 6.7MB (decimal) or 6.7MiB (binary), counted as "
             "--accounting says. If several budgets are given, all apply"},
    {.name = "avg-bits",
     .type = OptionType::Number,
     .value_name = "BITS",
     .lower = 1,
     .upper = 8,
     .group = "Budget",
     .text = "average number of bits per weight"},
    {.name = "compression",
     .type = OptionType::Ratio,
     .value_name = "RATIO",
     .lower = 1,
     .upper = 1000,
     .group = "Budget",
     .text = "compression relative to the float file, such as 10x"},
    {.name = "weight-size",
     .type = OptionType::ByteCount,
     .value_name = "BYTES",
     .lower = 1,
     .group = "Budget",
     .text = "size of the quantized weights, without scales and the rest of the file"},
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
     .text = "peak memory of the activations for one sample, in bytes"},
    {.name = "latency",
     .type = OptionType::Duration,
     .value_name = "TIME",
     .lower = kAboveZero,
     .group = "Budget",
     .text = "latency for one sample, such as 3.5ms, predicted from --latency-table"},
}};

inline constexpr OptionRecord kLatencyTable{
    .name = "latency-table",
    .type = OptionType::Path,
    .value_name = "TABLE.csv",
    .group = "Budget",
    .text =
        "measured latency in microseconds of each layer at each pair of weight and activation "
        "bits; 'ompq latency-table' writes an empty table"};

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

}  // namespace ompq::options

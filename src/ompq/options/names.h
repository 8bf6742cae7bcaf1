#pragma once

#include "ompq/options/joined_names.h"

/// Row names of tables that the command line cannot access, since the program is not linked to
/// rooms that run networks: allocators, metrics and methods here, formats next to their options.
/// tests/commands/names_test.cpp checks each list against its table.
namespace ompq::options {

/// Rows of search::allocator_table().
inline constexpr char kAllocatorNames[] =
    "auto|output-mse|output-kl|pairwise|local-error|weight-mse|fisher|hessian|orm-error|orm|"
    "orm-ilp|projection|size-only|uniform|random";
inline constexpr auto kAllocatorNamesOrNone = joined(kAllocatorNames, "none");
inline constexpr auto kAllocatorNamesOrAll = joined("all", kAllocatorNames);

/// Rows of sensitivity::metrics().
inline constexpr char kMetricNames[] =
    "output-mse|output-kl|local-error|weight-mse|fisher|hessian|orm-error";

/// Rows of ptq::method_table().
inline constexpr char kMethodNames[] = "nearest|gptq|adaround|brecq|qdrop|distill";
inline constexpr auto kMethodNamesOrAuto = joined("auto", kMethodNames);

}  // namespace ompq::options

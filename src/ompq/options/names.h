#pragma once

#include "ompq/options/joined_names.h"

/// Names of the rows of tables that the command line cannot reach, since the program is linked to
/// no room that runs networks: those of allocators and metrics here, those of methods and formats
/// next to their options. tests/commands/names_test.cpp holds each list to its table.
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

}  // namespace ompq::options

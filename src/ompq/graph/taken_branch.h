#pragma once

#include <string_view>

namespace ompq::graph {

/// Set on an If whose condition depends on scalar inputs: 1 if it is true for all samples, 0 if it
/// is false. The taken branch returns the outputs of nodes before the If; the other one is
/// unchanged.
inline constexpr std::string_view kTakenNote = "ompq_taken";

}  // namespace ompq::graph

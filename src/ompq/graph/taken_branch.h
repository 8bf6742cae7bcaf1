#pragma once

#include <string_view>

namespace ompq::graph {

/// On an If whose condition the samples decide: 1 where it holds for all of them, 0 where it does
/// not. That branch hands on what the nodes before the If make; the other is as it was read.
inline constexpr std::string_view kTakenNote = "ompq_taken";

}  // namespace ompq::graph

#pragma once

#include <cstddef>
#include <optional>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

struct LabelResult {
  bool finished = false;                         ///< the result is proven; false: too many labels
  std::optional<MultipleChoice::Choice> better;  ///< better than the start, if there is one
};

/// Dynamic programming, item by item, over labels (costs so far, value so far). A label is removed
/// if another one is neither more expensive nor worse, or if the Lagrangian bound of its best
/// completion is not better than `start`. Networks have many layers of equal size, whose sums
/// coincide, so few labels remain, while branching would try all orders of equal layers.
/// @param max_labels  limit of the total number of labels; 0 gives up at once.
/// Source: Nemhauser and Ullmann 1969; Pisinger 1995 (multiple choice).
[[nodiscard]] LabelResult label_search(const MultipleChoice& problem,
                                       const std::optional<MultipleChoice::Choice>& start,
                                       std::size_t max_labels);

/// The best choice with a gap to problem.bound of less than `room`, if there is one; it is then the
/// optimum. A small room leaves few labels, so growing rooms prove an optimum faster than a good
/// start.
[[nodiscard]] LabelResult label_search_within(const MultipleChoice& problem,
                                              double room,
                                              std::size_t max_labels);

/// Beam search for a choice better than `start`, with the `beam` most promising labels of every
/// item. Nullopt does not prove that there is none.
[[nodiscard]] std::optional<MultipleChoice::Choice> beam_search(const MultipleChoice& problem,
                                                                const MultipleChoice::Choice& start,
                                                                std::size_t beam);

/// Tries growing rooms, from one with few columns up to the gap of `start`, each three times the
/// last. @return as label_search.
[[nodiscard]] LabelResult deepening_search(const MultipleChoice& problem,
                                           const MultipleChoice::Choice& start,
                                           std::size_t max_labels);

}  // namespace ompq::allocation

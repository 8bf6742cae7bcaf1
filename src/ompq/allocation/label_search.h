#pragma once

#include <cstddef>
#include <optional>

#include "ompq/allocation/multiple_choice.h"

namespace ompq::allocation {

struct LabelResult {
  bool finished = false;                         ///< the answer is proven; else too many labels
  std::optional<MultipleChoice::Choice> better;  ///< better than the start, if there is such a one
};

/// Dynamic programming, item by item, over labels (costs so far, value so far). A label goes when
/// another one is no dearer and no worse, or when the Lagrangian bound of its best completion does
/// not beat `start`. Networks repeat layers of equal size: their sums coincide, so that few labels
/// remain where branching would try every order of equal layers.
/// @param max_labels  in total; more, and the search gives up. 0 gives up at once.
/// Source: Nemhauser and Ullmann 1969; Pisinger 1995 (multiple choice).
[[nodiscard]] LabelResult label_search(const MultipleChoice& problem,
                                       const std::optional<MultipleChoice::Choice>& start,
                                       std::size_t max_labels);

/// The best choice that loses less than `room` against problem.bound, if there is one; what it
/// finds is the optimum. A small room leaves few labels, so that rooms which grow until something
/// is found prove an optimum sooner than a start that is only good.
[[nodiscard]] LabelResult label_search_within(const MultipleChoice& problem,
                                              double room,
                                              std::size_t max_labels);

/// A choice better than `start`, from a search that keeps the `beam` most promising labels of every
/// item; nothing where it finds none, which proves nothing.
[[nodiscard]] std::optional<MultipleChoice::Choice> beam_search(const MultipleChoice& problem,
                                                                const MultipleChoice::Choice& start,
                                                                std::size_t beam);

/// Rooms from one that leaves a handful of columns up to what `start` loses against problem.bound,
/// each three times the last. @return as label_search.
[[nodiscard]] LabelResult deepening_search(const MultipleChoice& problem,
                                           const MultipleChoice::Choice& start,
                                           std::size_t max_labels);

}  // namespace ompq::allocation

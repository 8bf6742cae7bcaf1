#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/search/option_values.h"

namespace ompq::search {

/// The user's constraints on layers. A name is a layer's name, or a pattern with *, ? and [] for
/// all layers that match. candidates override first_last; pins and excluded override both. A
/// layer's own name overrides a pattern.
struct LayerChoices {
  std::optional<int> first_last;                       ///< width of the first and the last layer
  std::map<std::string, std::vector<int>> candidates;  ///< candidate widths by name
  std::map<std::string, int> pins;                     ///< fixed width by name
  std::vector<std::string> excluded;                   ///< layers that stay float

  [[nodiscard]] bool empty() const {
    return !first_last && candidates.empty() && pins.empty() && excluded.empty();
  }
};

template <typename Binder>
void bind_options(Binder& binder, LayerChoices& choices) {
  binder.bind("first-last", choices.first_last);
  binder.bind("candidates", choices.candidates, named_widths);
  binder.bind("pin", choices.pins, pinned_widths);
  binder.bind("exclude", choices.excluded);
}

/// Candidate widths of every layer, ascending, in layer order; an empty list stands for the common
/// ones. An excluded layer has only allocation::kFloatBits. A constraint on one layer of a tie
/// applies to all of them.
/// @throws ConfigError for a name or pattern that matches no layer, with the nearest name; for a
/// layer with contradicting constraints of two names or two patterns.
[[nodiscard]] std::vector<std::vector<int>> layer_candidates(const pipeline::Model& model,
                                                             const LayerChoices& choices);

}  // namespace ompq::search

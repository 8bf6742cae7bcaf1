#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ompq/pipeline/model.h"
#include "ompq/search/option_values.h"

namespace ompq::search {

/// What a person has settled before the search. A name is a layer's, or a pattern with *, ? and []
/// that stands for all layers it fits. candidates win over first_last, pins and excluded over both;
/// among themselves a layer's own name wins over a pattern.
struct LayerChoices {
  std::optional<int> first_last;                       ///< width of the first and the last layer
  std::map<std::string, std::vector<int>> candidates;  ///< widths that a layer may get
  std::map<std::string, int> pins;                     ///< the width of a layer
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

/// Candidate widths of every layer, ascending, in layer order; an empty list leaves the common
/// ones. An excluded layer has allocation::kFloatBits alone. Tied layers follow: what holds for one
/// layer of a tie holds for all of them.
/// @throws ConfigError for a name or pattern that fits no layer, with the nearest real name; for a
/// layer that two names, or two patterns, give different widths.
[[nodiscard]] std::vector<std::vector<int>> layer_candidates(const pipeline::Model& model,
                                                             const LayerChoices& choices);

}  // namespace ompq::search

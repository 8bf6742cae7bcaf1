#include "ompq/training/quantizer_methods.h"

#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq::training {

std::span<const QuantizerMethod> quantizer_methods() {
  static constexpr QuantizerMethod kRows[] = {
      {"lsq",
       "steps of weights (per channel) and activations are learned",
       WeightRange::LearnedStep,
       ActivationRange::LearnedStep},
      {"hawq",
       "weights between their extremes, activations between moving averages of theirs",
       WeightRange::MinMax,
       ActivationRange::Observed},
      {"pact",
       "weights between their extremes, a learned clipping limit for activations",
       WeightRange::MinMax,
       ActivationRange::LearnedClip},
  };
  return kRows;
}

const QuantizerMethod& find_quantizer_method(std::string_view name) {
  std::vector<std::string_view> names;
  for (const QuantizerMethod& row : quantizer_methods()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  throw ConfigError(
      "training",
      fmt::format("unknown quantizer '{}'; did you mean '{}'?", name, nearest_name(name, names)));
}

}  // namespace ompq::training

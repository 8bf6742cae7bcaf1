#include "ompq/training/quantizer_methods.h"

#include "ompq/core/row_table.h"

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
  return row_named(quantizer_methods(), name, "training", "quantizer");
}

}  // namespace ompq::training

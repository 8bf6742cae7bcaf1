#pragma once

#include <span>
#include <string_view>

namespace ompq::training {

enum class WeightRange {
  LearnedStep,  ///< a learned scale per output channel
  MinMax,       ///< symmetric, from the maximum magnitude of each output channel
};
enum class ActivationRange {
  LearnedStep,  ///< learned, also from elements inside the range
  LearnedClip,  ///< the limit is learned only from clipped elements
  Observed,     ///< moving averages of minimum and maximum
};

/// A method of choosing ranges during training.
struct QuantizerMethod {
  std::string_view name;
  std::string_view text;  ///< one line for help
  WeightRange weights = WeightRange::LearnedStep;
  ActivationRange activations = ActivationRange::LearnedStep;
};

/// lsq (Esser et al. 2020), hawq (Yao et al. 2021), pact (Choi et al. 2018).
[[nodiscard]] std::span<const QuantizerMethod> quantizer_methods();
/// @throws ConfigError for an unknown name, with the nearest one.
[[nodiscard]] const QuantizerMethod& find_quantizer_method(std::string_view name);

}  // namespace ompq::training

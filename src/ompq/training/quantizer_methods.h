#pragma once

#include <span>
#include <string_view>

namespace ompq::training {

enum class WeightRange {
  LearnedStep,  ///< a step for each output channel, learned
  MinMax,       ///< symmetric, from the greatest magnitude of each output channel
};
enum class ActivationRange {
  LearnedStep,  ///< learned, also from what lies inside of the range
  LearnedClip,  ///< the limit is learned, from what it clips alone
  Observed,     ///< moving average of least and greatest values
};

/// One way to choose ranges while a network is trained.
struct QuantizerMethod {
  std::string_view name;
  std::string_view text;  ///< one line for help
  WeightRange weights = WeightRange::LearnedStep;
  ActivationRange activations = ActivationRange::LearnedStep;
};

/// lsq (Esser et al. 2020), hawq (Yao et al. 2021), pact (Choi et al. 2018).
[[nodiscard]] std::span<const QuantizerMethod> quantizer_methods();
/// @throws ConfigError for a name that no row has, with the nearest one.
[[nodiscard]] const QuantizerMethod& find_quantizer_method(std::string_view name);

}  // namespace ompq::training

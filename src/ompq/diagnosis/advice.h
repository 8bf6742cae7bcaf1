#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/report/diagnosis.h"

namespace ompq::diagnosis {

/// A layer and its network, the input of the rules.
struct AdviceCase {
  const report::Diagnosis& network;
  const report::LayerDiagnosis& layer;
  std::size_t index = 0;  ///< of the layer, in topological order
};

/// A problem that a layer can have, and its remedy.
struct AdviceRule {
  std::string_view name;
  bool (*applies)(const AdviceCase&);
  std::string (*finding)(const AdviceCase&);
  std::string (*remedy)(const AdviceCase&);
};

/// In order of precedence; a layer gets the first that applies.
[[nodiscard]] std::span<const AdviceRule> advice_rules();

/// Advice for the network's output, if it is noisy, then for the layers whose noise matters, by
/// decreasing gain. Layers with a negligible effect on the output get none.
[[nodiscard]] std::vector<report::Advice> advise(const report::Diagnosis& diagnosis);

}  // namespace ompq::diagnosis

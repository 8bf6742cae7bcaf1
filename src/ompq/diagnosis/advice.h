#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/report/diagnosis.h"

namespace ompq::diagnosis {

/// A layer in its network, as the rules see it.
struct AdviceCase {
  const report::Diagnosis& network;
  const report::LayerDiagnosis& layer;
  std::size_t index = 0;  ///< of the layer, in topological order
};

/// One thing that can be wrong with a layer, and what helps.
struct AdviceRule {
  std::string_view name;
  bool (*applies)(const AdviceCase&);
  std::string (*finding)(const AdviceCase&);
  std::string (*remedy)(const AdviceCase&);
};

/// In the order in which they are asked; a layer gets the first that applies.
[[nodiscard]] std::span<const AdviceRule> advice_rules();

/// What stands out: the network's output first, if it is noisy, then the layers whose noise counts,
/// by falling gain. Layers that cost the output next to nothing are left in peace.
[[nodiscard]] std::vector<report::Advice> advise(const report::Diagnosis& diagnosis);

}  // namespace ompq::diagnosis

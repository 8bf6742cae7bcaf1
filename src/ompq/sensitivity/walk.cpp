#include "ompq/sensitivity/walk.h"

#include <algorithm>
#include <unordered_set>

#include "ompq/core/error.h"

namespace ompq::sensitivity {

WeightScope::~WeightScope() {
  // The tensor came from this very executor's graph: shape and reader cannot be wrong.
  if (changed_) executor_.set_constant(weight_, real_);
}

void WeightScope::set(const Tensor& quantized) {
  executor_.set_constant(weight_, quantized);
  changed_ = true;
}

std::vector<bool> owns_weight(const std::vector<graph::Layer>& layers) {
  std::vector<bool> owns;
  std::unordered_set<graph::ValueId> seen;
  for (const graph::Layer& layer : layers) owns.push_back(seen.insert(layer.weight).second);
  return owns;
}

std::vector<BitWidth> sorted_widths(std::vector<BitWidth> widths) {
  if (widths.empty()) throw ConfigError("sensitivity", "no width was asked for; give one or more");
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  return widths;
}

}  // namespace ompq::sensitivity

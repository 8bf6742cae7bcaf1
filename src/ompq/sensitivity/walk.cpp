#include "ompq/sensitivity/walk.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "ompq/core/error.h"

namespace ompq::sensitivity {

WeightScope::~WeightScope() {
  // The tensor is from this executor's graph, so shape and reader are valid.
  if (changed_) executor_.set_constant(weight_, float_weight_);
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

std::vector<std::size_t> reading_order(const runtime::Executor& executor,
                                       const std::vector<graph::Layer>& layers) {
  const std::vector<bool> owns = owns_weight(layers);
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (owns[l]) places.emplace_back(executor.reader_position(layers[l].weight), l);
  }
  std::sort(places.begin(), places.end());
  std::vector<std::size_t> order;
  for (const auto& [position, layer] : places) order.push_back(layer);
  return order;
}

std::vector<BitWidth> sorted_widths(std::vector<BitWidth> widths) {
  if (widths.empty()) throw ConfigError("sensitivity", "no width was requested; give one or more");
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  return widths;
}

}  // namespace ompq::sensitivity

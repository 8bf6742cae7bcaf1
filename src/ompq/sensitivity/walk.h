#pragma once

#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::sensitivity {

/// Restores the float weight at the end of the scope, also after exceptions.
class WeightScope {
 public:
  WeightScope(runtime::Executor& executor, const graph::Graph& graph, graph::ValueId weight)
      : executor_(executor), weight_(weight), float_weight_(*graph.value(weight).constant) {}
  ~WeightScope();
  WeightScope(const WeightScope&) = delete;
  WeightScope& operator=(const WeightScope&) = delete;

  void set(const Tensor& quantized);

 private:
  runtime::Executor& executor_;
  graph::ValueId weight_;
  Tensor float_weight_;
  bool changed_ = false;
};

/// True for the first layer of each weight. A weight shared by several layers changes all of them:
/// it is measured at its first reader, and its other layers have no additional loss.
[[nodiscard]] std::vector<bool> owns_weight(const std::vector<graph::Layer>& layers);

/// Indices of the layers that own their weight, in the order in which `executor` reads the weights.
/// This differs from the order of layers, since a fused node runs at the position of its last part.
[[nodiscard]] std::vector<std::size_t> reading_order(const runtime::Executor& executor,
                                                     const std::vector<graph::Layer>& layers);

/// Ascending and distinct. @throws ConfigError if there are none.
[[nodiscard]] std::vector<BitWidth> sorted_widths(std::vector<BitWidth> widths);

}  // namespace ompq::sensitivity

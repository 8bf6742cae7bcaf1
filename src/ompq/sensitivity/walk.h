#pragma once

#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/runtime/executor.h"

namespace ompq::sensitivity {

/// Puts the float weight back when the scope ends, so that an executor is left as it was whatever
/// happens meanwhile.
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

/// True for the first layer of each weight. A weight that several layers share changes all of them
/// at once: it is measured where it is read first, and its other layers cost nothing more.
[[nodiscard]] std::vector<bool> owns_weight(const std::vector<graph::Layer>& layers);

/// Indices of the layers that own their weight, in the order in which `executor` reads the weights:
/// a fused node runs where its last part stands in the graph, so that is not the order of layers.
[[nodiscard]] std::vector<std::size_t> reading_order(const runtime::Executor& executor,
                                                     const std::vector<graph::Layer>& layers);

/// Ascending and distinct. @throws ConfigError if there are none.
[[nodiscard]] std::vector<BitWidth> sorted_widths(std::vector<BitWidth> widths);

}  // namespace ompq::sensitivity

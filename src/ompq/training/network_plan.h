#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "ompq/graph/layers.h"

/// The execution order of a network in training, and the operations fused into one pass.
namespace ompq::training {

/// norm, residual Add, ReLU or Clip, and quantizer after a value, each optional.
struct PlannedEpilogue {
  int norm = -1;  ///< index of a norm
  graph::ValueId residual = graph::kNoValue;
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  bool quantized = false;
  [[nodiscard]] bool any() const {
    return norm >= 0 || residual != graph::kNoValue || quantized ||
           min > -std::numeric_limits<float>::infinity() ||
           max < std::numeric_limits<float>::infinity();
  }
};

struct PlannedStep {
  /// Conv, Gemm or MatMul on oneDNN; kNoNode if the step is only its epilogue.
  graph::NodeId product = graph::kNoNode;
  graph::NodeId other = graph::kNoNode;    ///< node that is run by the table of operators
  graph::ValueId input = graph::kNoValue;  ///< input of a step with only an epilogue
  PlannedEpilogue epilogue;
  graph::ValueId output = graph::kNoValue;  ///< first output of `other`, if set
  std::vector<graph::ValueId> last_read;    ///< values without later readers
};

struct PlanRequest {
  const graph::Graph& graph;
  std::set<graph::NodeId> products;    ///< nodes with a constant weight that oneDNN runs
  std::map<graph::NodeId, int> norms;  ///< norm after a node's product, or of the node itself
  std::set<graph::ValueId> quantized;  ///< values whose readers all read them quantized
};

/// @return the steps in topological order.
[[nodiscard]] std::vector<PlannedStep> plan_steps(const PlanRequest& request);

}  // namespace ompq::training

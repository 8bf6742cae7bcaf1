#pragma once

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "ompq/graph/layers.h"

/// The order in which a network's parts run in training, and what one pass does at once.
namespace ompq::training {

/// norm, residual Add, ReLU or Clip, quantizer after a value, as far as each is there.
struct PlannedEpilogue {
  int norm = -1;  ///< index of a norm
  graph::ValueId residual = graph::kNoValue;
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();
  bool quantized = false;
  [[nodiscard]] bool any() const {
    return norm >= 0 || residual != graph::kNoValue || quantized ||
           least > -std::numeric_limits<float>::infinity() ||
           most < std::numeric_limits<float>::infinity();
  }
};

struct PlannedStep {
  /// Conv, Gemm or MatMul on oneDNN; kNoNode where the step is its epilogue alone.
  graph::NodeId product = graph::kNoNode;
  graph::NodeId other = graph::kNoNode;    ///< node that the table of operators runs
  graph::ValueId input = graph::kNoValue;  ///< what an epilogue alone reads
  PlannedEpilogue epilogue;
  graph::ValueId output = graph::kNoValue;  ///< first output of `other` where that is set
  std::vector<graph::ValueId> last_read;    ///< values that nobody reads afterwards
};

struct PlanRequest {
  const graph::Graph& graph;
  std::set<graph::NodeId> products;    ///< nodes with a constant weight that oneDNN runs
  std::map<graph::NodeId, int> norms;  ///< norm after a node's product, or of the node itself
  std::set<graph::ValueId> quantized;  ///< values that every reader reads quantized
};

/// @return the steps in an order in which each finds its inputs made.
[[nodiscard]] std::vector<PlannedStep> plan_steps(const PlanRequest& request);

}  // namespace ompq::training

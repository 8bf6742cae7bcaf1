#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

/// Small networks, each one block of another kind, and what reconstruction needs of them.
namespace ompq::reconstruction::cases {

struct BlockCase {
  std::string name;
  graph::Graph (*make)();
};
/// Residual, inverted residual, grouped and strided convolutions, asymmetric padding, fully
/// connected layers, SiLU, transposed convolution, MatMul, Concat.
[[nodiscard]] const std::vector<BlockCase>& block_cases();

/// A network with nearest codes, calibrated activations and samples.
struct TestNetwork {
  graph::Graph graph;
  graph::Discovery parts;
  rounding::NetworkCodes initial;
  std::unique_ptr<ompq::testing::MemoryDataset> dataset;
  std::vector<std::int64_t> indices;

  [[nodiscard]] ReconstructionRequest request() const {
    return {graph, parts.layers, parts.blocks, initial, *dataset, indices};
  }
};
/// @param activation_bits  0 leaves activations float.
[[nodiscard]] TestNetwork test_network(graph::Graph graph,
                                       int weight_bits,
                                       int activation_bits,
                                       std::int64_t samples = 24,
                                       const std::string& target = "onnxruntime");

}  // namespace ompq::reconstruction::cases

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/reconstruction/block_ops.h"
#include "ompq/reconstruction/learned_parts.h"

/// Compiles a block's graph into the operators of a BlockProgram. Only for block_program.cpp.
namespace ompq::reconstruction {

struct BlockWeight {
  graph::ValueId value = graph::kNoValue;
  std::vector<std::int64_t> shape;
  std::vector<float> values;    ///< row-major, as in the graph
  std::vector<float> gradient;  ///< of the last step; empty unless learned
  std::vector<float> scales;    ///< scales of its quantizer, for biases
  bool learned = false;
  bool fresh = true;  ///< must be packed again
};

struct ProductEntry {
  ProductOp* op = nullptr;
  std::vector<float> bias;  ///< unrounded; empty without a bias
  graph::ValueId bias_value = graph::kNoValue;
  std::vector<float> bias_gradient;      ///< empty if the weight is not learned
  std::optional<std::size_t> quantizer;  ///< of its input
};

struct BlockQuantizer {
  graph::ValueId value = graph::kNoValue;
  QuantizeOp* op = nullptr;
  float step = 1.0F;
  double gradient = 0.0;
};

/// An activation of the program: its extents for one micro-batch.
struct SlotSpec {
  std::vector<std::int64_t> extents;
  bool needs_gradient = false;
  std::optional<Slot> shares_gradient_of;  ///< a later slot, whose memory serves both
};

struct CompiledBlock {
  std::vector<std::unique_ptr<BlockOp>> ops;  ///< in the order of the forward pass
  std::vector<SlotSpec> slots;
  std::vector<BlockWeight> weights;
  std::vector<ProductEntry> products;
  std::vector<GenericOp*> generics;
  std::vector<BlockQuantizer> quantizers;
  at::ScalarType type = at::kFloat;
  Slot input = 0;
  Slot output = 0;
  std::vector<Slot> features;  ///< of CompileOptions::features
  std::int64_t rows = 1;       ///< per micro-batch
};

struct CompileOptions {
  Element type = Element::Float32;
  std::int64_t batch = 32;
  int threads = 1;
  std::uint32_t drop_threshold = 0;
  std::int64_t rows = 0;                 ///< per micro-batch; 0: as many as fit into a core's cache
  std::vector<graph::ValueId> features;  ///< activations that are compared with targets
};

[[nodiscard]] CompiledBlock compile_block(const graph::Graph& block,
                                          const LearnedParts& learned,
                                          const CompileOptions& options);

/// Creates the tensors of one thread.
void prepare_lane(const CompiledBlock& compiled, Lane& lane);

}  // namespace ompq::reconstruction

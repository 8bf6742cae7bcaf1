#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/quant/quant_params.h"
#include "ompq/reconstruction/learned_parts.h"
#include "ompq/rounding/sample_cache.h"
#include "ompq/runtime/executor.h"

namespace ompq::reconstruction {

struct ProgramOptions {
  runtime::Precision precision = runtime::Precision::Auto;
  int threads = 0;              ///< 0: all cores
  std::int64_t batch = 32;      ///< rows per step
  double drop_probability = 0;  ///< of QDrop: probability that an element stays float
  std::int64_t rows = 0;        ///< per thread at once; 0: as many as fit into its cache
  std::vector<graph::ValueId> features = {};  ///< activations for StepData::features
};

/// The loss.
enum class BlockLoss {
  SquaredError,
  /// Kullback-Leibler divergence of the softmax of a row from that of its target: for outputs that
  /// are class scores.
  Divergence,
};

/// The target of an activation inside the block.
struct FeatureTarget {
  const rounding::SampleCache* targets = nullptr;  ///< the float network's activation
  std::int64_t skipped = 0;  ///< row r of the other caches is row r - skipped of this one
  double factor = 0.0;       ///< of the squared error, whose gradient is added to the loss's
};

/// The sources of a step's rows, in the block's layout (4-D: H, W, C).
struct StepData {
  const rounding::SampleCache* inputs = nullptr;        ///< from the quantized prefix
  const rounding::SampleCache* float_inputs = nullptr;  ///< used for dropped elements; may be null
  const rounding::SampleCache* targets = nullptr;       ///< the float network's output
  const rounding::SampleCache* weights =
      nullptr;  ///< roots of the squared error's weights; may be null
  BlockLoss loss = BlockLoss::SquaredError;
  std::vector<FeatureTarget> features = {};  ///< one for each of ProgramOptions, or none
};

/// A trainable block: forward pass with given weights and activation steps, loss relative to the
/// target, gradients of weights and steps.
///
/// Each thread runs a few rows at a time forward and backward through the whole block, so that
/// activations stay in its cache; convolutions, products, additions and bounds use oneDNN and our
/// own passes, any other operator LibTorch with its gradient. Sums over threads have a fixed order,
/// so results are bit-identical for the same number of threads.
///
/// bfloat16 is used only for activations, their gradients and packed weights; sums, weights and
/// gradients of weights are float32.
class BlockProgram {
 public:
  /// @param block   one input, one output, without fused nodes; extracted by extract_part().
  /// @param layers  its layers, with its ids, to find the biases to be rounded.
  /// @throws UnsupportedOp for an unsupported node.
  BlockProgram(const graph::Graph& block,
               const LearnedParts& learned,
               const ProgramOptions& options);
  ~BlockProgram();
  BlockProgram(const BlockProgram&) = delete;
  BlockProgram& operator=(const BlockProgram&) = delete;

  /// The weights of the next step, row-major; call weights_changed() after writing to them.
  [[nodiscard]] std::span<float> weights(graph::ValueId weight);
  /// The unrounded bias of constant `bias`; call weights_changed() after writing to it. @throws
  /// ConfigError for a constant that is not a bias of a product.
  [[nodiscard]] std::span<float> bias(graph::ValueId bias);
  /// Constants for bias(): of products with learned weights.
  [[nodiscard]] std::vector<graph::ValueId> learnable_biases() const;
  /// Sets the scales of the weight's quantizer, with which biases are rounded as in round_biases().
  void set_weight_scales(graph::ValueId weight, std::vector<float> scales);
  /// Must be called after any change of weights or steps.
  void weights_changed();
  /// Sets the scale of an activation's quantizer.
  void set_step(graph::ValueId activation, float step);

  /// One forward and backward pass over `rows` of the caches (as many as options.batch).
  /// @param seed  for dropping.
  /// @param factor  loss = factor x sum of weighted squared differences, or of rows' divergences.
  /// @return the loss.
  double step(const StepData& data,
              std::span<const std::int64_t> rows,
              std::uint32_t seed,
              double factor);
  /// Gradients of the last step's loss.
  [[nodiscard]] std::span<const float> weight_gradient(graph::ValueId weight) const;
  [[nodiscard]] std::span<const float> bias_gradient(graph::ValueId bias) const;
  [[nodiscard]] double step_gradient(graph::ValueId activation) const;
  /// Elements of the quantized activation in one step, for LSQ's gradient scale.
  [[nodiscard]] std::int64_t activation_elements(graph::ValueId activation) const;

  /// float32 or bfloat16, never Auto.
  [[nodiscard]] runtime::Precision precision() const;
  [[nodiscard]] std::int64_t rows_at_once() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::reconstruction

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
  std::int64_t batch = 32;      ///< rows a step
  double drop_probability = 0;  ///< of QDrop: of elements that stay float
  std::int64_t rows = 0;        ///< that a thread takes at once; 0: as many as its cache holds
};

/// What is to be small.
enum class BlockLoss {
  SquaredError,
  /// Kullback-Leibler divergence of the softmax of a row from that of its target: for outputs that
  /// are class scores.
  Divergence,
};

/// Where a step's rows come from, in the block's own layout (4-D: H, W, C).
struct StepData {
  const rounding::SampleCache* inputs = nullptr;  ///< from the quantized prefix
  const rounding::SampleCache* float_inputs =
      nullptr;  ///< mixed in with the drop probability; may be absent
  const rounding::SampleCache* targets = nullptr;  ///< the float network's output
  const rounding::SampleCache* weights =
      nullptr;  ///< roots of the squared error's weights; may be absent
  BlockLoss loss = BlockLoss::SquaredError;
};

/// A block made ready to be trained: forward pass with given weights and activation steps, squared
/// error against the target, gradients of both.
///
/// Each thread takes a few rows at a time through the whole block and back, so that activations
/// stay in its cache; convolutions, products, additions and bounds run on oneDNN and passes of our
/// own, any other operator by LibTorch with its own gradient. Sums over threads have a fixed order:
/// for the same number of threads the same bits come out.
///
/// Where bfloat16 is used it is for activations, their gradients and packed weights; sums, weights
/// and gradients of weights are float32.
class BlockProgram {
 public:
  /// @param block   one input, one output, without fused nodes; extracted by extract_part().
  /// @param layers  its layers, in its own ids: which biases are rounded with the activation's
  /// step.
  /// @throws UnsupportedOp for a node that cannot be run.
  BlockProgram(const graph::Graph& block,
               const LearnedParts& learned,
               const ProgramOptions& options);
  ~BlockProgram();
  BlockProgram(const BlockProgram&) = delete;
  BlockProgram& operator=(const BlockProgram&) = delete;

  /// The weights that the next step uses, row-major; write to them, then call weights_changed().
  [[nodiscard]] std::span<float> weights(graph::ValueId weight);
  /// The bias that stands in constant `bias`, before it is rounded; write to it, then call
  /// weights_changed(). @throws ConfigError for a constant that is no bias of a product.
  [[nodiscard]] std::span<float> bias(graph::ValueId bias);
  /// Constants that bias() knows, of products whose weights are learned.
  [[nodiscard]] std::vector<graph::ValueId> learnable_biases() const;
  /// Of the weight's quantizer: with them, biases are rounded as round_biases() will round them.
  void set_weight_scales(graph::ValueId weight, std::vector<float> scales);
  /// After any change of weights or steps.
  void weights_changed();
  /// The scale of an activation's quantizer from now on.
  void set_step(graph::ValueId activation, float step);

  /// One forward and backward pass over `rows` of the caches (as many as options.batch).
  /// @param seed  draws what is dropped.
  /// @param factor  of the loss: loss = factor x sum of weighted squared differences, or of rows'
  /// divergences.
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

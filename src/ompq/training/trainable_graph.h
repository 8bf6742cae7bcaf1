#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/layers.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/training/epilogue.h"
#include "ompq/training/network_options.h"
#include "ompq/training/parameters.h"

namespace ompq::training {

enum class Mode {
  Training,    ///< as NormMode says; observing quantizers observe; reduced precision if asked for
  Evaluation,  ///< what is exported, float32
  /// Evaluation's weights, but norms take the batch's statistics and move the running ones.
  Reestimation,
};

/// A network whose parameters can be trained, float or quantized. It is the folded graph (see
/// graph::fold_batch_norms) that runs; where norms are trained, each folded operator runs with its
/// own weight and the norm after it, and is folded again for evaluation.
///
/// Conv, Gemm and MatMul layers run on oneDNN; normalization, residual addition, ReLU or Clip and
/// quantization after any value in one pass; all else as the table of operators has it. 4-D
/// activations are channels_last.
class TrainableGraph {
 public:
  /// @param graph  shapes inferred, no-ops removed; batch norms as imported, or folded.
  /// @throws UnsupportedOp for a node that cannot be run; ConfigError for bfloat16 without such a
  /// processor.
  explicit TrainableGraph(const graph::Graph& graph, const NetworkOptions& options = {});
  ~TrainableGraph();
  TrainableGraph(TrainableGraph&&) noexcept;

  /// From now on layers are quantized: weights and activations that `codes` has, at their widths,
  /// from where its quantizers stand; each weight moves to the nearest one that quantizes to its
  /// code, biases become those of `codes`. Values are those of folded_graph(). Weights, biases and
  /// activations that `codes` does not have stay float.
  /// @throws ConfigError for a name or value that is no layer's, or if quantized before.
  void quantize(const rounding::NetworkCodes& codes, std::string_view method);

  /// All float outputs, float32. Any number of samples: a network that takes a fixed number of them
  /// runs in as many passes as there are, see runtime/passes.h.
  /// @param momentum  the batch's share in running statistics.
  /// @throws ShapeError if inputs do not fit.
  [[nodiscard]] std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs,
                                                Mode mode,
                                                double momentum = 0.1);
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Mode mode);

  [[nodiscard]] std::vector<Parameter>& parameters();
  [[nodiscard]] std::vector<Buffer> buffers();
  /// Puts parameters that a step moved too far back to their floors.
  void project();

  /// Batch norms folded; the layers' ValueIds are its own. Parameters as they were at the start.
  [[nodiscard]] const graph::Graph& folded_graph() const;
  [[nodiscard]] const std::vector<graph::Layer>& layers() const;
  /// The folded graph with the parameters as they are now, float.
  [[nodiscard]] graph::Graph float_graph() const;
  /// The same function with norms that were trained as operators of their own, as imported.
  [[nodiscard]] graph::Graph unfolded_graph() const;
  /// Codes, activation quantizers and biases as they are now, for folded_graph().
  [[nodiscard]] rounding::NetworkCodes codes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::training

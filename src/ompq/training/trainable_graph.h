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
  Training,    ///< according to NormMode; observing quantizers are updated; reduced precision if
               ///< requested
  Evaluation,  ///< the exported network, float32
  /// Weights as in Evaluation, but norms use batch statistics and update the running ones.
  Reestimation,
};

/// A trainable network, float or quantized. The folded graph (see graph::fold_batch_norms) is
/// executed; if norms are trained, each folded operator runs with its unfolded weight and the norm
/// after it, and is folded again for evaluation.
///
/// Conv, Gemm and MatMul layers run on oneDNN; normalization, residual addition, ReLU or Clip and
/// quantization after a value are one pass; other nodes are run by the table of operators. 4-D
/// activations are channels_last.
class TrainableGraph {
 public:
  /// @param graph  shapes inferred, no-ops removed; batch norms as imported, or folded.
  /// @throws UnsupportedOp for an unsupported node; ConfigError for bfloat16 if the processor does
  /// not support it.
  explicit TrainableGraph(const graph::Graph& graph, const NetworkOptions& options = {});
  ~TrainableGraph();
  TrainableGraph(TrainableGraph&&) noexcept;

  /// Quantizes the layers: weights and activations in `codes`, with their widths and initial
  /// quantizers; each weight is set to the nearest one that quantizes to its code, biases to those
  /// of `codes`. Values are those of folded_graph(). Weights, biases and activations that are not
  /// in `codes` stay float.
  /// @throws ConfigError for a name or value that does not belong to a layer, or if already
  /// quantized.
  void quantize(const rounding::NetworkCodes& codes, std::string_view method);

  /// All float outputs, float32, for any number of samples: a network with a fixed batch runs in
  /// several passes, see runtime/passes.h.
  /// @param momentum  the batch's weight in running statistics.
  /// @throws ShapeError if inputs do not fit.
  [[nodiscard]] std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs,
                                                Mode mode,
                                                double momentum = 0.1);
  [[nodiscard]] at::Tensor forward(const at::Tensor& input, Mode mode);

  [[nodiscard]] std::vector<Parameter>& parameters();
  [[nodiscard]] std::vector<Buffer> buffers();
  /// Clamps parameters to their lower limits.
  void project();

  /// The graph with folded batch norms and initial parameters; the layers' ValueIds refer to it.
  [[nodiscard]] const graph::Graph& folded_graph() const;
  [[nodiscard]] const std::vector<graph::Layer>& layers() const;
  /// The folded graph with the current parameters, float.
  [[nodiscard]] graph::Graph float_graph() const;
  /// The same function with trained norms as separate operators, as imported.
  [[nodiscard]] graph::Graph unfolded_graph() const;
  /// The current codes, activation quantizers and biases, for folded_graph().
  [[nodiscard]] rounding::NetworkCodes codes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::training

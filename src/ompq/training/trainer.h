#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/layers.h"
#include "ompq/rounding/network_codes.h"
#include "ompq/training/training_options.h"

namespace ompq::training {

struct TrainingBatch {
  std::vector<Tensor> inputs;        ///< one for each input of the network
  std::vector<std::int64_t> labels;  ///< n, or none
};
/// Sets `batch` to the next batch; returns false at the end of an epoch.
using NextBatch = std::function<bool(TrainingBatch& batch)>;

struct StepReport {
  std::int64_t batch = 0;      ///< number of batches since the start, including this one
  std::int64_t step = 0;       ///< steps of the optimizer so far
  double loss = 0.0;           ///< of this batch
  double rate = 0.0;           ///< learning rate of the last step
  double gradient_norm = 0.0;  ///< of the last step, before clipping
  std::int64_t correct = 0;    ///< number of samples whose highest score is the label's
};

/// State of a training by name, for checkpoints.
using TrainingState = std::map<std::string, Tensor>;

/// Trains a network, float or quantized, with savable state: the same network, options, batches and
/// state give bit-identical results. Not thread-safe.
class Trainer {
 public:
  /// @param graph  shapes inferred, no-ops removed; batch norms as imported, or folded.
  /// @throws ConfigError as check_options(); UnsupportedOp.
  Trainer(const graph::Graph& graph, const TrainerOptions& options);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  /// See TrainableGraph::quantize; before the first step.
  void quantize(const rounding::NetworkCodes& codes, std::string_view method);
  /// Sets the float network whose outputs are the targets of distillation. @throws UnsupportedOp.
  void teach(const graph::Graph& teacher);

  /// Processes one batch; the optimizer takes a step after every TrainerOptions::accumulation
  /// batches.
  /// @throws DataError if the loss or the gradient is NaN or infinite: parameters are then
  /// unchanged, but moving statistics include the batch; return to the last valid state.
  StepReport step(const TrainingBatch& batch);

  /// Re-estimates running statistics as the mean over these batches with the quantized weights;
  /// does nothing if norms are frozen. @return the number of batches.
  std::int64_t reestimate_norms(const NextBatch& next);

  [[nodiscard]] TrainingState state() const;
  /// @throws DataError naming a tensor that is missing, unknown or of another shape.
  void load_state(const TrainingState& state);

  [[nodiscard]] std::int64_t steps() const;    ///< of the optimizer
  [[nodiscard]] std::int64_t batches() const;  ///< seen
  /// The graph with folded batch norms, to which ValueIds of quantize() and codes() refer.
  [[nodiscard]] const graph::Graph& folded_graph() const;
  [[nodiscard]] const std::vector<graph::Layer>& layers() const;
  /// Moving averages of parameters and of running statistics, if enabled.
  [[nodiscard]] graph::Graph float_graph();
  /// The same function, see TrainableGraph::unfolded_graph.
  [[nodiscard]] graph::Graph unfolded_graph();
  [[nodiscard]] rounding::NetworkCodes codes();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::training

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
  std::vector<Tensor> inputs;        ///< one for each input of the network, as it takes them
  std::vector<std::int64_t> labels;  ///< n, or none
};
/// Fills `batch` with the next one; false at the end of an epoch.
using NextBatch = std::function<bool(TrainingBatch& batch)>;

struct StepReport {
  std::int64_t batch = 0;      ///< batches seen since the start, this one included
  std::int64_t step = 0;       ///< steps of the optimizer so far
  double loss = 0.0;           ///< of this batch
  double rate = 0.0;           ///< of the last step
  double gradient_norm = 0.0;  ///< of the last step, before clipping
  std::int64_t correct = 0;    ///< samples whose greatest score is the label's
};

/// State of a training by name, for checkpoints.
using TrainingState = std::map<std::string, Tensor>;

/// Trains a network, float or quantized, with everything that it takes to go on where it stopped:
/// the same network, options, batches and state give the same bits. A trainer serves one thread.
class Trainer {
 public:
  /// @param graph  shapes inferred, no-ops removed; batch norms as imported, or folded.
  /// @throws ConfigError as check_options(); UnsupportedOp.
  Trainer(const graph::Graph& graph, const TrainerOptions& options);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  /// See TrainableGraph::quantize; before the first step.
  void quantize(const rounding::NetworkCodes& codes, std::string_view method);
  /// The float network whose outputs distillation aims at. @throws UnsupportedOp.
  void teach(const graph::Graph& teacher);

  /// One batch; a step of the optimizer with every TrainerOptions::accumulation of them.
  /// @throws DataError where the loss or the gradient is NaN or infinite: parameters are then those
  /// before this step, but moving statistics have seen the batch; go back to the last good state.
  StepReport step(const TrainingBatch& batch);

  /// Running statistics become the mean over these batches, by the quantized weights; nothing where
  /// norms are frozen. @return batches seen.
  std::int64_t reestimate_norms(const NextBatch& next);

  [[nodiscard]] TrainingState state() const;
  /// @throws DataError naming a tensor that is missing, unknown or of another shape.
  void load_state(const TrainingState& state);

  [[nodiscard]] std::int64_t steps() const;    ///< of the optimizer
  [[nodiscard]] std::int64_t batches() const;  ///< seen
  /// Batch norms folded; ValueIds of quantize() and codes() are its own.
  [[nodiscard]] const graph::Graph& folded_graph() const;
  [[nodiscard]] const std::vector<graph::Layer>& layers() const;
  /// Moving averages of parameters and of running statistics where there are any.
  [[nodiscard]] graph::Graph float_graph();
  /// The same function, see TrainableGraph::unfolded_graph.
  [[nodiscard]] graph::Graph unfolded_graph();
  [[nodiscard]] rounding::NetworkCodes codes();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ompq::training

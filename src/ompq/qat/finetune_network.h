#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ompq/pipeline/network.h"
#include "ompq/qat/finetune_checkpoint.h"
#include "ompq/qat/finetune_options.h"
#include "ompq/qat/finetune_start.h"

namespace ompq::qat {

/// The shared context of one training run.
struct FinetuneContext {
  const pipeline::Model& model;
  const graph::Graph& unfolded;  ///< the model before folding its batch norms
  pipeline::Samples& samples;    ///< for calibration
  pipeline::Samples& training;
  pipeline::Samples& evaluation;
  const FinetuneOptions& options;
  const ProgressHandler& progress;
  std::vector<std::int64_t> indices;  ///< of the training samples
  Tensor float_logits;                ///< of the float network, for the validation samples

  [[nodiscard]] std::int64_t batches_per_epoch() const;
};

/// The options with which the file at `path` is written.
[[nodiscard]] pipeline::FileForm form_of(const FinetuneContext& context,
                                         const FinetuneStart& start,
                                         const std::filesystem::path& path);

/// Top-1, or, without labels, agreement with the float network.
[[nodiscard]] double score_of(const report::Evaluation& evaluation);

/// Evaluates `graph`, whose batch norms are folded.
[[nodiscard]] report::Evaluation validate(const FinetuneContext& context,
                                          const graph::Graph& graph,
                                          const std::string& task);

/// The network in training: its trainer, and the file written from it.
class FinetuneNetwork {
 public:
  /// Both must outlive this. @throws as training::Trainer.
  FinetuneNetwork(const FinetuneContext& context, const FinetuneStart& start);

  [[nodiscard]] training::Trainer& trainer() { return *trainer_; }
  /// Checks the best epoch of a checkpoint. @throws DataError unless its file is a network made
  /// from the model, with the widths of the start, within a budget of bytes.
  void check(const BestEpoch& best) const;
  /// Re-estimates running statistics from training samples without augmentation.
  void reestimate_norms();
  /// The current network: its file (to be written to `path`) and its evaluation.
  [[nodiscard]] BestEpoch written_now(const std::string& task, const std::filesystem::path& path);

 private:
  [[nodiscard]] training::TrainerOptions trainer_options() const;
  [[nodiscard]] rounding::NetworkCodes codes_for(const graph::Graph& graph) const;
  [[nodiscard]] std::vector<std::int64_t> reestimation_samples() const;
  [[nodiscard]] BestEpoch written_float(const std::string& task, const pipeline::FileForm& form);
  [[nodiscard]] BestEpoch written_quantized(const std::string& task,
                                            const pipeline::FileForm& form);

  const FinetuneContext& context_;
  const FinetuneStart& start_;
  std::unique_ptr<training::Trainer> trainer_;
};

}  // namespace ompq::qat

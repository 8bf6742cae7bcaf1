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

/// What the parts of one training share.
struct FinetuneContext {
  const pipeline::Model& model;
  const graph::Graph& unfolded;  ///< the model before its batch norms were folded
  pipeline::Samples& samples;    ///< of the calibration
  pipeline::Samples& training;
  pipeline::Samples& evaluation;
  const FinetuneOptions& options;
  const ProgressHandler& progress;
  std::vector<std::int64_t> indices;  ///< to train with
  Tensor float_logits;                ///< the float network's, of the samples to validate with

  [[nodiscard]] std::int64_t batches_per_epoch() const;
};

/// How the file at `path` is written.
[[nodiscard]] pipeline::FileForm form_of(const FinetuneContext& context,
                                         const FinetuneStart& start,
                                         const std::filesystem::path& path);

/// Top-1, or without labels agreement with the float network.
[[nodiscard]] double score_of(const report::Evaluation& evaluation);

/// What `graph`, with batch norms folded, is worth.
[[nodiscard]] report::Evaluation validate(const FinetuneContext& context,
                                          const graph::Graph& graph,
                                          const std::string& task);

/// The network under training: its trainer, and the file that it makes.
class FinetuneNetwork {
 public:
  /// Both outlive this. @throws as training::Trainer.
  FinetuneNetwork(const FinetuneContext& context, const FinetuneStart& start);

  [[nodiscard]] training::Trainer& trainer() { return *trainer_; }
  /// Running statistics from training samples as validation sees them.
  void reestimate_norms();
  /// The network as it is now: its file, which is going to be `path`, and what that is worth.
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

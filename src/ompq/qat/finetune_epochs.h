#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "ompq/data/loader.h"
#include "ompq/qat/finetune_checkpoint.h"
#include "ompq/qat/finetune_network.h"
#include "ompq/report/event_file.h"

namespace ompq::qat {

/// The result of all epochs.
struct FinetuneOutcome {
  TrainingProgress at;
  std::optional<BestEpoch> last;  ///< the last epoch's network, if it is not the best
  std::int64_t resumed_epochs = 0;
  std::int64_t skipped = 0;  ///< number of broken training samples
};

/// The training loop: batches, validation after each epoch, and checkpoints.
class FinetuneEpochs {
 public:
  /// All arguments must outlive this.
  /// @param fingerprint  of the inputs of `start`.
  /// @param best  the network that training starts from; empty if that does not count.
  FinetuneEpochs(const FinetuneContext& context,
                 const FinetuneStart& start,
                 FinetuneNetwork& network,
                 const std::string& fingerprint,
                 BestEpoch best);

  /// Resumes from the checkpoint, if any, and trains to the end; the checkpoint is kept.
  [[nodiscard]] FinetuneOutcome run();

 private:
  using Clock = std::chrono::steady_clock;

  void go_on();
  void check_progress(const TrainingProgress& at) const;
  void tell_of_earlier_epochs();
  void train();
  void train_epoch(data::Loader& loader);
  [[nodiscard]] training::StepReport step(const data::Batch& batch);
  void take(const training::StepReport& done, std::int64_t samples);
  void show(const std::string& task, std::int64_t batches) const;
  void close_epoch();
  [[nodiscard]] report::EpochRecord record_of(const BestEpoch& now, Clock::time_point begin) const;
  void publish(const report::EpochRecord& record);
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] std::string kept() const;
  void save();
  void keep_what_is_done() noexcept;

  const FinetuneContext& context_;
  const FinetuneOptions& options_;
  FinetuneNetwork& network_;
  std::filesystem::path checkpoint_;
  TrainingIdentity identity_;
  TrainingProgress at_;
  FinetuneOutcome outcome_;
  std::optional<report::EpochLog> log_;
  std::optional<report::EventFile> events_;
  Clock::time_point saved_;
  bool batch_failed_ = false;  ///< the trainer's state is not that after a complete batch
};

}  // namespace ompq::qat

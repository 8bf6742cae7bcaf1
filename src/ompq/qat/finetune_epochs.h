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

/// What all epochs came to.
struct FinetuneOutcome {
  TrainingProgress at;
  std::optional<BestEpoch> last;  ///< the last epoch's network, where it is not the best
  std::int64_t resumed_epochs = 0;
  std::int64_t skipped = 0;  ///< training samples that were broken
};

/// The epochs of one training: its batches, what is validated and kept after them, and the
/// checkpoint that it goes on from.
class FinetuneEpochs {
 public:
  /// All outlive this.
  /// @param fingerprint  of what `start` was made of.
  /// @param best         the network that training starts from; none where that does not count.
  FinetuneEpochs(const FinetuneContext& context,
                 const FinetuneStart& start,
                 FinetuneNetwork& network,
                 const std::string& fingerprint,
                 BestEpoch best);

  /// Goes on where the checkpoint is and trains to the end; the checkpoint stays.
  [[nodiscard]] FinetuneOutcome run();

 private:
  using Clock = std::chrono::steady_clock;

  void go_on();
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
  bool spoiled_ = false;  ///< the trainer's state is not that of a finished batch
};

}  // namespace ompq::qat

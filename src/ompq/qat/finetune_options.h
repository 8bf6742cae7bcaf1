#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/core/option_binding.h"
#include "ompq/ptq/quantize_options.h"
#include "ompq/report/finetuning.h"
#include "ompq/training/training_options.h"

namespace ompq::qat {

/// Treatment of batch norms.
enum class Norms {
  Frozen,       ///< folded before training
  Trained,      ///< folded into the written file
  Reestimated,  ///< trained, with statistics re-estimated after every epoch
};
[[nodiscard]] constexpr auto enum_names(Norms) {
  return std::to_array<EnumName<Norms>>({{Norms::Frozen, "frozen"},
                                         {Norms::Trained, "trained"},
                                         {Norms::Reestimated, "reestimated"}});
}

struct FinetuneOptions {
  /// Widths, calibration and the rounding that training starts from; also the output's path.
  /// Finished work of these is kept in a journal until training ends.
  ptq::QuantizeOptions start;
  /// Train the float network without quantization. Its file keeps trained norms.
  bool float_network = false;
  /// Start from this quantized file of the network and use its widths.
  std::optional<std::filesystem::path> from;

  /// The schedule's steps are made from the epochs, and `network.norms` from `norms`.
  training::TrainerOptions trainer{.network = {.precision = runtime::Precision::Auto},
                                   .optimizer = {.rate = 0.0005, .clip_norm = 1.0},
                                   .loss = {.distillation = 1.0}};
  Norms norms = Norms::Frozen;
  std::string quantizer = "lsq";  ///< a row of training::quantizer_methods()
  std::int64_t epochs = 10;
  double warmup_epochs = 0.5;
  std::int64_t batch_size = 64;
  std::string augmentation = "light";                ///< a row of data::augmentations()
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< limit for decoded images
  std::optional<std::int64_t> patience;              ///< epochs without improvement before stopping
  std::uint64_t seed = 0;

  std::filesystem::path checkpoint;  ///< empty: next to the output
  double checkpoint_seconds = 300.0;
  std::filesystem::path log;          ///< JSON lines; empty: none
  std::filesystem::path tensorboard;  ///< folder of event files; empty: none
  /// Called for every finished epoch, including those of earlier runs; may be empty.
  std::function<void(const report::EpochRecord&)> on_epoch;
};

/// The options of training and writing, for a given initial network.
template <typename Binder>
void bind_training(Binder& binder, FinetuneOptions& options) {
  training::TrainerOptions& trainer = options.trainer;
  binder.bind("float", options.float_network);
  binder.bind("epochs", options.epochs);
  binder.bind("quantizer", options.quantizer);
  binder.bind("norms", options.norms);
  binder.bind("optimizer", trainer.optimizer.name);
  binder.bind("lr", trainer.optimizer.rate);
  binder.bind("momentum", trainer.optimizer.momentum);
  binder.bind("nesterov", trainer.optimizer.nesterov);
  binder.unbound("first decay", trainer.optimizer.first_decay);
  binder.unbound("second decay", trainer.optimizer.second_decay);
  binder.unbound("epsilon", trainer.optimizer.epsilon);
  binder.unbound("clip decay", trainer.optimizer.clip_decay);
  binder.bind("weight-decay", trainer.optimizer.weight_decay);
  binder.bind("schedule", trainer.schedule.name);
  binder.unbound("final share", trainer.schedule.final_share);
  binder.unbound("gamma", trainer.schedule.gamma);
  binder.unbound("milestones", trainer.schedule.milestones);
  binder.bind("warmup", options.warmup_epochs);
  binder.bind("label-smoothing", trainer.loss.label_smoothing);
  binder.bind("distill", trainer.loss.distillation);
  binder.bind("temperature", trainer.loss.temperature);
  binder.bind("clip-norm", trainer.optimizer.clip_norm);
  binder.bind("average", trainer.average_decay);
  binder.bind("accumulate", trainer.accumulation);
  binder.composed("augment", options.augmentation);
  binder.bind("patience", options.patience);
  binder.bind("cache", options.cache_bytes);
  binder.bind("checkpoint-every", options.checkpoint_seconds, seconds_from_us);
  binder.bind("precision", trainer.network.precision);
  binder.bind("batch", options.batch_size);
  binder.bind("seed", options.seed);
  binder.bind("threads", trainer.threads);
  binder.bind("format", options.start.format);
  binder.bind("opset", options.start.search.form.opset);
}

template <typename Binder>
void bind_options(Binder& binder, FinetuneOptions& options) {
  bind_plan(binder, options.start);
  binder.bind("start", options.start.method.method);
  binder.bind("seed", options.start.method.seed);
  binder.bind("threads", options.start.method.threads);
  binder.bind("from", options.from);
  bind_training(binder, options);
  binder.bind("checkpoint", options.checkpoint);
  binder.bind("log", options.log);
  binder.bind("tensorboard", options.tensorboard);
}

/// The options as given by the user, "--lr" and its value, for messages and the result; a
/// checkpoint with different ones is moved aside.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> named_choices(
    const FinetuneOptions& options);
/// Values that only programs set, for the fingerprint of a checkpoint.
[[nodiscard]] std::string unnamed_choices(const FinetuneOptions& options);

}  // namespace ompq::qat

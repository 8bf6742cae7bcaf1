#include "ompq/qat/finetune_epochs.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/elapsed.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/memory_budget.h"

namespace ompq::qat {
namespace {

namespace fs = std::filesystem;

TrainingIdentity identity_of(const FinetuneContext& context,
                             const FinetuneStart& start,
                             const std::string& fingerprint) {
  const auto described = [](const pipeline::Samples& samples,
                            const std::vector<std::int64_t>& indices) {
    return fmt::format(
        "\n{} {}\n{}", samples.used.source, samples.used.split, fmt::join(indices, ","));
  };
  std::string text = fmt::format("{}\n{}\n{}",
                                 fingerprint,
                                 fmt::join(start.weight_bits(), " "),
                                 context.training.used.preprocess);
  text += described(context.training, context.indices);
  text += described(context.evaluation, context.evaluation.indices);
  const auto append = [&](const auto& numbers) {
    text.append(reinterpret_cast<const char*>(numbers.data()),
                numbers.size() * sizeof(*numbers.data()));
  };
  for (const auto& [name, weight] : start.codes.weights) {
    append(weight.codes);
    append(weight.params.scale);
    append(weight.params.zero_point);
  }
  for (const auto& [value, params] : start.codes.activations) {
    append(params.scale);
    append(params.zero_point);
  }
  for (const auto& [name, bias] : start.codes.biases) append(bias);
  text += "\n" + unnamed_choices(context.options);
  return {sha256(text), named_choices(context.options)};
}

}  // namespace

FinetuneEpochs::FinetuneEpochs(const FinetuneContext& context,
                               const FinetuneStart& start,
                               FinetuneNetwork& network,
                               const std::string& fingerprint,
                               BestEpoch best)
    : context_(context),
      options_(context.options),
      network_(network),
      checkpoint_(checkpoint_of(options_)),
      identity_(identity_of(context, start, fingerprint)) {
  at_.best = std::move(best);
}

FinetuneOutcome FinetuneEpochs::run() {
  go_on();
  tell_of_earlier_epochs();
  if (!is_over()) train();
  if (at_.best.epoch == at_.epoch) {
    outcome_.last.reset();
  } else if (!outcome_.last || !outcome_.last->file.data.empty()) {
    // The name of external data depends on the model's name; write it again for the last epoch's
    // file.
    outcome_.last = network_.written_now("validation of the last epoch",
                                         pipeline::last_file(options_.start.output));
    outcome_.last->epoch = at_.epoch;
  }
  outcome_.at = std::move(at_);
  return std::move(outcome_);
}

void FinetuneEpochs::go_on() {
  auto kept = read_checkpoint(checkpoint_, identity_, [&](const Checkpoint& checkpoint) {
    check_progress(checkpoint.progress);
    network_.check(checkpoint.progress.best);
    network_.trainer().load_state(checkpoint.state);
  });
  if (!kept) return;
  if (kept->progress.best.epoch == 0) kept->progress.best = std::move(at_.best);
  at_ = std::move(kept->progress);
  outcome_.resumed_epochs = at_.epoch;
  log().info(
      "resuming from {}: epoch {}, batch {}", checkpoint_.string(), at_.epoch + 1, at_.batch + 1);
}

/// A checkpoint may have been changed by anyone.
void FinetuneEpochs::check_progress(const TrainingProgress& at) const {
  const auto samples = static_cast<std::int64_t>(context_.indices.size());
  const std::int64_t batches = (samples + options_.batch_size - 1) / options_.batch_size;
  if (at.epoch <= options_.epochs && at.batch <= batches && at.samples <= samples) return;
  throw DataError(checkpoint_.string(),
                  fmt::format("it is after epoch {} of {}, batch {} of {} and sample {} of {}",
                              at.epoch,
                              options_.epochs,
                              at.batch,
                              batches,
                              at.samples,
                              samples));
}

/// Rewrites the log: an interruption may have lost the line after a checkpoint.
void FinetuneEpochs::tell_of_earlier_epochs() {
  if (!options_.log.empty()) log_.emplace(options_.log, 1);
  if (!options_.tensorboard.empty()) events_.emplace(options_.tensorboard, at_.epoch + 1);
  for (const report::EpochRecord& record : at_.epochs) {
    if (log_) log_->append(record);
    if (options_.on_epoch) options_.on_epoch(record);
  }
}

void FinetuneEpochs::train() {
  const auto samples = static_cast<std::int64_t>(context_.indices.size());
  data::Loader loader(*context_.training.dataset,
                      context_.indices,
                      {.batch_size = options_.batch_size,
                       .shuffle = true,
                       .drop_last = samples >= options_.batch_size,
                       .augmentation = options_.augmentation,
                       .seed = options_.seed,
                       .cache_bytes = std::min(options_.cache_bytes,
                                               memory_part().value_or(options_.cache_bytes))},
                      {at_.epoch, at_.batch});
  saved_ = Clock::now();
  try {
    while (!is_over()) {
      // An epoch that was interrupted during validation has no batches left.
      if (at_.batch < loader.batches_per_epoch()) train_epoch(loader);
      close_epoch();
    }
  } catch (...) {
    if (!batch_failed_) keep_what_is_done();
    throw;
  }
  outcome_.skipped = loader.skipped();
}

bool FinetuneEpochs::is_over() const {
  const bool patience_over = options_.patience && at_.epoch - at_.best.epoch >= *options_.patience;
  return at_.epoch >= options_.epochs || patience_over;
}

void FinetuneEpochs::train_epoch(data::Loader& loader) {
  const std::string task = fmt::format("epoch {}/{}", at_.epoch + 1, options_.epochs);
  for (bool last = false; !last;) {
    check_interrupt();
    const auto begin = Clock::now();
    data::LoadedBatch loaded = loader.next();
    last = loaded.last;
    if (loaded.batch.size > 0) take(step(loaded.batch), loaded.batch.size);
    ++at_.batch;
    at_.seconds += seconds_since(begin);
    show(task, loader.batches_per_epoch());
    if (!last && seconds_since(saved_) >= options_.checkpoint_seconds) save();
  }
  if (at_.samples == 0) {
    throw DataError("finetune",
                    fmt::format("epoch {}: none of the {} training samples of {} could be read",
                                at_.epoch + 1,
                                context_.indices.size(),
                                context_.training.used.source));
  }
}

training::StepReport FinetuneEpochs::step(const data::Batch& batch) {
  const training::TrainingBatch given{batch.inputs, {batch.labels.begin(), batch.labels.end()}};
  try {
    return network_.trainer().step(given);
  } catch (const DataError& error) {
    batch_failed_ = true;
    throw DataError("finetune",
                    fmt::format("epoch {}: {}. {}", at_.epoch + 1, error.what(), kept()));
  }
}

/// The files that remain when training fails, for the message.
std::string FinetuneEpochs::kept() const {
  std::string text = fs::exists(checkpoint_)
                         ? fmt::format("The last valid state is in {}", checkpoint_.string())
                         : "No checkpoint was written yet";
  if (at_.epoch == 0) return text;
  text += fmt::format("; {} is the best network so far, {}: ",
                      options_.start.output.string(),
                      at_.best.epoch > 0 ? fmt::format("of epoch {}", at_.best.epoch)
                                         : "the one that training started from");
  return text + (options_.float_network ? "train that one with a lower --lr"
                                        : "start from it with --from and a lower --lr");
}

void FinetuneEpochs::take(const training::StepReport& done, std::int64_t samples) {
  at_.loss_sum += done.loss * static_cast<double>(samples);
  at_.correct += done.correct;
  at_.samples += samples;
  at_.rate = done.rate;
}

void FinetuneEpochs::show(const std::string& task, std::int64_t batches) const {
  if (!context_.progress) return;
  const double loss = at_.loss_sum / static_cast<double>(std::max<std::int64_t>(1, at_.samples));
  context_.progress({.task = task,
                     .done = at_.batch,
                     .total = batches,
                     .detail = fmt::format("loss {:.4f}", loss)});
}

/// Validates the epoch's network, records the results and saves the state.
void FinetuneEpochs::close_epoch() {
  const auto begin = Clock::now();
  if (options_.norms == Norms::Reestimated) network_.reestimate_norms();
  BestEpoch now = network_.written_now(fmt::format("validation of epoch {}", at_.epoch + 1),
                                       options_.start.output);
  now.epoch = at_.epoch + 1;
  now.score = score_of(now.evaluation);
  const bool better = at_.best.file.model.empty() || now.score > at_.best.score;
  const BestEpoch& best = better ? now : at_.best;
  // Write the file first: if that fails, the epoch is not finished and is closed again on resuming.
  if (better || at_.epoch == 0) onnx_io::write_onnx_file(options_.start.output, best.file);
  if (better) at_.best = now;
  const report::EpochRecord record = record_of(now, begin);
  outcome_.last = std::move(now);
  at_.epochs.push_back(record);
  ++at_.epoch;
  at_.batch = at_.correct = at_.samples = 0;
  at_.loss_sum = at_.seconds = 0.0;
  save();
  publish(record);
}

report::EpochRecord FinetuneEpochs::record_of(const BestEpoch& now, Clock::time_point begin) const {
  const auto samples = static_cast<double>(std::max<std::int64_t>(1, at_.samples));
  report::EpochRecord record{.epoch = now.epoch,
                             .step = network_.trainer().steps(),
                             .learning_rate = at_.rate,
                             .train_loss = at_.loss_sum / samples,
                             .validation_loss = now.evaluation.cross_entropy,
                             .validation_top1 = now.evaluation.top1,
                             .validation_agreement = now.evaluation.agreement,
                             .images_per_second = samples / std::max(at_.seconds, 1e-9),
                             .seconds = at_.seconds + seconds_since(begin),
                             .best_epoch = at_.best.epoch,
                             .best = at_.best.score};
  if (context_.training.dataset->has_labels()) {
    record.train_accuracy = static_cast<double>(at_.correct) / samples;
  }
  return record;
}

void FinetuneEpochs::publish(const report::EpochRecord& record) {
  if (log_) log_->append(record);
  if (events_) events_->write(record.epoch, report::scalars_of(record));
  if (options_.on_epoch) options_.on_epoch(record);
}

void FinetuneEpochs::save() {
  write_checkpoint(checkpoint_, identity_, at_, network_.trainer().state());
  saved_ = Clock::now();
}

/// Saves the state between two batches after an error or an interruption.
void FinetuneEpochs::keep_what_is_done() noexcept {
  try {
    save();
    const std::string journal =
        starts_by_rounding(options_)
            ? " and " + pipeline::journal_file(options_.start.output).string()
            : std::string();
    log().warn("the training state is saved in {}{}; run the same command to resume",
               checkpoint_.string(),
               journal);
  } catch (const std::exception& error) {
    log().warn("the training since the last checkpoint could not be saved: {}", error.what());
  }
}

}  // namespace ompq::qat

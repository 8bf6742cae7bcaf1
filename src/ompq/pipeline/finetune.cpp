#include "ompq/pipeline/finetune.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/data/loader.h"
#include "ompq/pipeline/class_scores.h"
#include "ompq/pipeline/finetune_checkpoint.h"
#include "ompq/pipeline/finetune_start.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/quantization_plan.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/pipeline/quantized_layer.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/report/event_file.h"
#include "ompq/training/trainer.h"

namespace ompq::pipeline {
namespace {

namespace fs = std::filesystem;

double score_of(const report::Evaluation& evaluation) {
  return evaluation.top1.value_or(evaluation.agreement.value_or(0.0));
}

/// One training, step by step.
class Finetuner {
 public:
  Finetuner(const Model& model,
            const graph::Graph& unfolded,
            Samples& samples,
            Samples& training,
            Samples& evaluation,
            const FinetuneOptions& options,
            const ProgressHandler& progress)
      : model_(model),
        unfolded_(unfolded),
        samples_(samples),
        training_(training),
        evaluation_(evaluation),
        options_(options),
        progress_(progress),
        indices_(training_indices(training, evaluation)),
        checkpoint_(checkpoint_file(options)),
        result_(),
        watch_(result_.quantization.seconds) {}

  report::Finetuning run() {
    tuning_ = tuning_samples(samples_, evaluation_, options_.start);
    fingerprint_ = fingerprint_of(model_, samples_, tuning_, options_.start);
    if (starts_by_rounding(options_)) {
      journal_.emplace(beside(options_.start.output, ".journal"), fingerprint_);
    }
    try {
      evaluate_float();
      begin();
      prepare_trainer();
      go_on();
      train();
      return finish();
    } catch (...) {
      if (journal_ && journal_->size() == 0) journal_->finish();
      throw;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  void evaluate_float() {
    EvaluateOptions options = options_.start.evaluation;
    options.keep_outputs = true;
    real_ = evaluate(
        model_.graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_);
    result_.quantization.float_evaluation = real_.evaluation;
    watch_.lap("float evaluation");
  }

  // --- the start ---------------------------------------------------------------------------------

  /// What training starts from counts as an epoch of its own: nothing worse is ever written.
  void begin() {
    start_ = start_finetuning({model_,
                               samples_,
                               tuning_,
                               options_,
                               journal_ ? &*journal_ : nullptr,
                               result_.quantization,
                               watch_,
                               progress_});
    if (options_.float_network) return;
    const QuantizedNetwork network = assemble_network(model_, weight_bits(), start_.codes);
    at_.best.file = export_file(network, form(options_.start.output));
    at_.best.evaluation = validate(network.graph, "start");
    at_.best.score = score_of(at_.best.evaluation);
    started_ = row("before training", start_.method, at_.best.file, at_.best.evaluation);
    watch_.lap("evaluation of the start");
  }

  [[nodiscard]] FileForm form(const fs::path& file) const {
    FileForm form = file_form(options_.start, start_.planned);
    if (options_.float_network) form.format = onnx_io::WeightFormat::Float;
    form.name = file.filename().string();
    return form;
  }

  [[nodiscard]] const Plan& plan() const { return start_.planned.plans.front(); }
  [[nodiscard]] const std::vector<int>& weight_bits() const { return plan().weight_bits; }

  // --- the trainer -------------------------------------------------------------------------------

  [[nodiscard]] std::int64_t batches_per_epoch() const {
    const auto samples = static_cast<std::int64_t>(indices_.size());
    return std::max<std::int64_t>(1, samples / options_.batch_size);
  }

  void prepare_trainer() {
    training::TrainerOptions trainer = options_.trainer;
    const auto steps_in = [&](double epochs) {
      const double batches = epochs * static_cast<double>(batches_per_epoch());
      return static_cast<std::int64_t>(batches) / trainer.accumulation;
    };
    trainer.schedule.total_steps =
        std::max<std::int64_t>(1, steps_in(static_cast<double>(options_.epochs)));
    trainer.schedule.warmup_steps =
        std::min(steps_in(options_.warmup_epochs), trainer.schedule.total_steps);
    trainer_ = std::make_unique<training::Trainer>(unfolded_, trainer);
    if (!options_.float_network) {
      trainer_->quantize(codes_for(trainer_->folded_graph()), options_.quantizer);
    }
    if (trainer.loss.distillation > 0.0) trainer_->teach(unfolded_);
  }

  /// The start's codes, with activations by the values of `graph`, which has them by the same name.
  [[nodiscard]] tuning::NetworkCodes codes_for(const graph::Graph& graph) const {
    tuning::NetworkCodes codes = start_.codes;
    codes.activations.clear();
    for (const auto& [value, params] : start_.codes.activations) {
      codes.activations.emplace(same_value(model_.graph, value, graph), params);
    }
    return codes;
  }

  [[nodiscard]] TrainingIdentity identity() const {
    std::string text = fmt::format("{}\n{}\n{} {} {}\n{}",
                                   fingerprint_,
                                   fmt::join(weight_bits(), " "),
                                   training_.used.source,
                                   training_.used.split,
                                   training_.used.preprocess,
                                   fmt::join(indices_, ","));
    text += fmt::format("\n{} {}\n{}",
                        evaluation_.used.source,
                        evaluation_.used.split,
                        fmt::join(evaluation_.indices, ","));
    for (const auto& [name, weight] : start_.codes.weights) {
      text.append(weight.codes.begin(), weight.codes.end());
    }
    return {sha256(text), options_.named};
  }

  /// Goes back to where an earlier run was.
  void go_on() {
    identity_ = identity();
    auto kept = read_checkpoint(checkpoint_, identity_);
    if (kept) {
      trainer_->load_state(kept->state);
      if (kept->progress.best.epoch == 0) kept->progress.best = std::move(at_.best);
      at_ = std::move(kept->progress);
      log().info("goes on from {}: epoch {}, batch {}",
                 checkpoint_.string(),
                 at_.epoch + 1,
                 at_.batch + 1);
    }
    result_.resumed_epochs = at_.epoch;
    if (!options_.log.empty()) log_.emplace(options_.log, at_.epoch + 1);
    if (!options_.tensorboard.empty()) events_.emplace(options_.tensorboard, at_.epoch + 1);
    if (!options_.on_epoch) return;
    for (const auto& record : at_.epochs) options_.on_epoch(record);
  }

  // --- training ----------------------------------------------------------------------------------

  void train() {
    if (is_over()) return;
    const auto samples = static_cast<std::int64_t>(indices_.size());
    data::Loader loader(*training_.dataset,
                        indices_,
                        {.batch_size = options_.batch_size,
                         .shuffle = true,
                         .drop_last = samples >= options_.batch_size,
                         .augmentation = options_.augmentation,
                         .seed = options_.seed,
                         .cache_bytes = options_.cache_bytes},
                        {at_.epoch, at_.batch});
    saved_ = Clock::now();
    try {
      while (!is_over()) {
        train_epoch(loader);
        close_epoch();
      }
    } catch (...) {
      if (!spoiled_) keep_what_is_done();
      throw;
    }
    result_.trained_on.skipped = loader.skipped();
    watch_.lap("training");
  }

  [[nodiscard]] bool is_over() const { return at_.epoch >= options_.epochs || is_patience_over(); }
  [[nodiscard]] bool is_patience_over() const {
    return options_.patience && at_.epoch - at_.best.epoch >= *options_.patience;
  }

  void train_epoch(data::Loader& loader) {
    const std::string task = fmt::format("epoch {}/{}", at_.epoch + 1, options_.epochs);
    for (bool last = false; !last;) {
      check_interrupt();
      const auto begin = Clock::now();
      data::LoadedBatch loaded = loader.next();
      last = loaded.last;
      if (loaded.batch.size > 0) take(step(loaded.batch), loaded.batch.size);
      ++at_.batch;
      at_.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
      if (progress_) {
        const double loss =
            at_.loss_sum / static_cast<double>(std::max<std::int64_t>(1, at_.samples));
        progress_({.task = task,
                   .done = at_.batch,
                   .total = loader.batches_per_epoch(),
                   .detail = fmt::format("loss {:.4f}", loss)});
      }
      const std::chrono::duration<double> unsaved = Clock::now() - saved_;
      if (!last && unsaved.count() >= options_.checkpoint_seconds) save();
    }
  }

  training::StepReport step(const data::Batch& batch) {
    const training::TrainingBatch given{batch.inputs.front(),
                                        {batch.labels.begin(), batch.labels.end()}};
    try {
      return trainer_->step(given);
    } catch (const DataError& error) {
      spoiled_ = true;
      throw DataError("finetune",
                      fmt::format("epoch {}: {}. {}", at_.epoch + 1, error.what(), kept()));
    }
  }

  /// What is left when training cannot go on.
  [[nodiscard]] std::string kept() const {
    std::string text = fs::exists(checkpoint_)
                           ? fmt::format("The last good state is in {}", checkpoint_.string())
                           : "No state was kept yet";
    if (at_.epoch > 0) {
      text += fmt::format(
          "; {} is the best network so far, {}: start from it with --from and a lower --lr",
          options_.start.output.string(),
          at_.best.epoch > 0 ? fmt::format("of epoch {}", at_.best.epoch) : "as training began");
    }
    return text;
  }

  void take(const training::StepReport& done, std::int64_t samples) {
    at_.loss_sum += done.loss * static_cast<double>(samples);
    at_.correct += done.correct;
    at_.samples += samples;
    rate_ = done.rate;
  }

  /// Validates, records and keeps what the epoch brought.
  void close_epoch() {
    const auto begin = Clock::now();
    if (options_.norms_reestimated) reestimate_norms();
    last_ =
        written_now(fmt::format("validation of epoch {}", at_.epoch + 1), options_.start.output);
    const auto samples = static_cast<double>(std::max<std::int64_t>(1, at_.samples));
    report::EpochRecord record{.epoch = at_.epoch + 1,
                               .step = trainer_->steps(),
                               .learning_rate = rate_,
                               .train_loss = at_.loss_sum / samples,
                               .validation_loss = last_->evaluation.cross_entropy,
                               .validation_top1 = last_->evaluation.top1,
                               .validation_agreement = last_->evaluation.agreement,
                               .images_per_second = samples / std::max(at_.seconds, 1e-9)};
    if (training_.dataset->has_labels()) {
      record.train_accuracy = static_cast<double>(at_.correct) / samples;
    }
    last_->epoch = record.epoch;
    last_->score = score_of(last_->evaluation);
    const bool better = at_.best.file.model.empty() || last_->score > at_.best.score;
    if (better) at_.best = *last_;
    if (better || at_.epoch == 0) write(options_.start.output, at_.best);
    record.best_epoch = at_.best.epoch;
    record.best = at_.best.score;
    record.seconds = at_.seconds + std::chrono::duration<double>(Clock::now() - begin).count();
    at_.epochs.push_back(record);
    ++at_.epoch;
    at_.batch = at_.correct = at_.samples = 0;
    at_.loss_sum = at_.seconds = 0.0;
    save();
    if (log_) log_->append(record);
    if (events_) events_->write(record.epoch, report::scalars_of(record));
    if (options_.on_epoch) options_.on_epoch(record);
  }

  void reestimate_norms() {
    const std::vector<std::int64_t> from = reestimation_samples();
    std::size_t next = 0;
    (void)trainer_->reestimate_norms([&](training::TrainingBatch& batch) {
      if (next >= from.size()) return false;
      const std::size_t end =
          std::min(from.size(), next + static_cast<std::size_t>(options_.batch_size));
      data::Batch loaded =
          samples_.dataset->load({from.begin() + static_cast<std::ptrdiff_t>(next),
                                  from.begin() + static_cast<std::ptrdiff_t>(end)});
      batch = {.inputs = loaded.inputs.front(), .labels = {}};
      next = end;
      return true;
    });
  }

  /// Training samples as validation sees them, evenly from all of them; the calibration's where
  /// those are of another source.
  [[nodiscard]] std::vector<std::int64_t> reestimation_samples() const {
    if (!same_source(samples_, training_)) return samples_.indices;
    constexpr std::size_t kSamples = 2048;
    const std::size_t count = std::min(kSamples, indices_.size());
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(indices_[i * indices_.size() / count]);
    return chosen;
  }

  void save() {
    write_checkpoint(checkpoint_, identity_, at_, trainer_->state());
    saved_ = Clock::now();
  }

  /// Between two batches, when something else went wrong or the user stopped it.
  void keep_what_is_done() noexcept {
    try {
      save();
      log().warn("what is trained is kept in {} and {}; the same command goes on from there",
                 checkpoint_.string(),
                 beside(options_.start.output, ".journal").string());
    } catch (const std::exception& error) {
      log().warn("what is trained since the last checkpoint could not be kept: {}", error.what());
    }
  }

  // --- networks ----------------------------------------------------------------------------------

  static void write(const fs::path& file, const BestEpoch& epoch) {
    onnx_io::write_onnx_file(file, epoch.file);
  }

  /// The network as it is now: its file, for `file`, and what that is worth.
  BestEpoch written_now(const std::string& task, const fs::path& file) {
    Model trained = model_;
    trained.graph = trainer_->float_graph();
    trained.discovery = graph::discover(trained.graph);
    QuantizedNetwork network;
    if (options_.float_network) {
      network.graph = std::move(trained.graph);
    } else {
      network = assemble_network(trained, weight_bits(), trainer_->codes());
    }
    BestEpoch now;
    now.file = export_file(network, form(file));
    now.evaluation = validate(network.graph, task);
    return now;
  }

  report::Evaluation validate(const graph::Graph& graph, const std::string& task) {
    EvaluateOptions options = options_.start.evaluation;
    options.task = task;
    if (!options_.float_network) options.reference_logits = &real_.logits;
    return evaluate(graph, *evaluation_.dataset, evaluation_.indices, options, nullptr, progress_)
        .evaluation;
  }

  report::QuantizedRow row(std::string name,
                           std::string method,
                           const onnx_io::OnnxFile& file,
                           report::Evaluation evaluation) const {
    const auto size = static_cast<std::int64_t>(file.size());
    const auto cost = allocation::total_cost(layer_costs(model_), weight_bits(), {}, {});
    return {.allocator = std::move(name),
            .method = std::move(method),
            .file = {},
            .bytes_on_disk = size,
            .bytes_promised = plan().bytes_promised > 0 ? plan().bytes_promised : size,
            .average_bits = options_.float_network ? allocation::kFloatBits : cost.average_bits,
            .compression = static_cast<double>(model_.file_bytes) / static_cast<double>(size),
            .weight_bits = weight_bits(),
            .evaluation = std::move(evaluation)};
  }

  report::Finetuning finish() {
    report::Quantization& made = result_.quantization;
    const std::string method = options_.float_network ? "float" : options_.quantizer;
    const auto add = [&](const BestEpoch& epoch, const fs::path& file) {
      write(file, epoch);
      made.networks.push_back(epoch.epoch == 0
                                  ? *started_
                                  : row(plan().allocator,
                                        fmt::format("{}, epoch {}", method, epoch.epoch),
                                        epoch.file,
                                        epoch.evaluation));
      made.networks.back().file = file.string();
    };
    add(at_.best, options_.start.output);
    // External data bears the name of its model.
    const bool fits_elsewhere = last_ && last_->file.data.empty();
    if (!fits_elsewhere && at_.best.epoch != at_.epoch) {
      last_ = written_now("validation of the last epoch", last_file(options_.start.output));
      last_->epoch = at_.epoch;
    }
    if (at_.best.epoch != at_.epoch) add(*last_, last_file(options_.start.output));
    if (started_ && at_.best.epoch != 0) made.networks.push_back(std::move(*started_));
    made.search = std::move(start_.planned.report);
    made.evaluated_on = evaluation_.used;
    made.evaluated_on.skipped = evaluation_.dataset->skipped();
    const std::int64_t skipped = result_.trained_on.skipped;
    result_.trained_on = training_.used;
    result_.trained_on.count = static_cast<std::int64_t>(indices_.size());
    result_.trained_on.skipped = skipped;
    result_.epochs = std::move(at_.epochs);
    result_.best_epoch = at_.best.epoch;
    result_.stopped_early = at_.epoch < options_.epochs;
    result_.options = options_.named;
    std::error_code ignored;
    fs::remove(checkpoint_, ignored);
    if (journal_) journal_->finish();
    return std::move(result_);
  }

  const Model& model_;
  const graph::Graph& unfolded_;
  Samples& samples_;
  Samples& training_;
  Samples& evaluation_;
  const FinetuneOptions& options_;
  const ProgressHandler& progress_;
  std::vector<std::int64_t> indices_;  ///< to train with
  std::vector<std::int64_t> tuning_;   ///< to round with
  fs::path checkpoint_;
  std::string fingerprint_;
  std::optional<Journal> journal_;  ///< of widths and rounding
  report::Finetuning result_;
  Stopwatch watch_;
  EvaluateOutcome real_;
  FinetuneStart start_;
  std::optional<report::QuantizedRow> started_;
  std::unique_ptr<training::Trainer> trainer_;
  TrainingIdentity identity_;
  TrainingProgress at_;
  std::optional<BestEpoch> last_;  ///< the last epoch of this run
  std::optional<report::EpochLog> log_;
  std::optional<report::EventFile> events_;
  Clock::time_point saved_;
  double rate_ = 0.0;
  bool spoiled_ = false;  ///< the trainer's state is not that of a finished batch
};

}  // namespace

report::Finetuning finetune(const Model& model,
                            const graph::Graph& unfolded,
                            Samples& samples,
                            Samples& training,
                            Samples& evaluation,
                            const FinetuneOptions& options,
                            const ProgressHandler& progress) {
  const FileForm& form = options.start.search.form;
  if (form.opset) onnx_io::check_opset(model.graph, *form.opset);
  check_network(model.graph);
  check_labels(training, evaluation, options);
  return Finetuner(model, unfolded, samples, training, evaluation, options, progress).run();
}

}  // namespace ompq::pipeline

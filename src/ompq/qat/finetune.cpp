#include "ompq/qat/finetune.h"

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/log.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/stopwatch.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/fingerprint.h"
#include "ompq/ptq/integer_kernels.h"
#include "ompq/ptq/quantization_plan.h"
#include "ompq/qat/finetune_epochs.h"
#include "ompq/qat/finetune_network.h"
#include "ompq/qat/finetune_start.h"

namespace ompq::qat {
namespace {

namespace fs = std::filesystem;

/// The steps of one training run.
class Finetuner {
 public:
  explicit Finetuner(FinetuneContext context)
      : context_(std::move(context)),
        options_(context_.options),
        watch_(result_.quantization.seconds) {}

  report::Finetuning run() {
    tuning_ = ptq::tuning_samples(context_.samples, context_.evaluation, options_.start);
    fingerprint_ = ptq::fingerprint_of(context_.model, context_.samples, tuning_, options_.start);
    if (starts_by_rounding(options_)) {
      journal_.emplace(pipeline::journal_file(options_.start.output), fingerprint_);
    }
    try {
      evaluate_float();
      BestEpoch best = begin();
      FinetuneNetwork network(context_, start_);
      FinetuneEpochs epochs(context_, start_, network, fingerprint_, std::move(best));
      FinetuneOutcome outcome = epochs.run();
      watch_.lap("training");
      return finish(std::move(outcome));
    } catch (...) {
      if (journal_ && journal_->size() == 0) journal_->finish();
      throw;
    }
  }

 private:
  void evaluate_float() {
    pipeline::EvaluateOptions options = options_.start.evaluation;
    options.keep_outputs = true;
    pipeline::Samples& samples = context_.evaluation;
    pipeline::EvaluateOutcome real = pipeline::evaluate(context_.model.graph,
                                                        *samples.dataset,
                                                        samples.indices,
                                                        options,
                                                        nullptr,
                                                        context_.progress);
    result_.quantization.float_evaluation = std::move(real.evaluation);
    context_.float_logits = std::move(real.logits);
    watch_.lap("float evaluation");
  }

  /// The network that training starts from counts as epoch 0, so a worse one is never written. A
  /// float network does not count, since it may be untrained.
  BestEpoch begin() {
    start_ = start_finetuning({context_.model,
                               context_.samples,
                               tuning_,
                               options_,
                               journal_ ? &*journal_ : nullptr,
                               result_.quantization,
                               watch_,
                               context_.progress});
    BestEpoch best;
    if (options_.float_network) return best;
    const pipeline::QuantizedNetwork network =
        pipeline::assemble_network(context_.model, start_.weight_bits(), start_.codes);
    result_.quantization.integer_kernels =
        ptq::integer_kernels_of(context_.model, start_.codes, network.graph);
    best.file = pipeline::export_file(network, form_of(context_, start_, options_.start.output));
    best.evaluation = validate(context_, network.graph, "start");
    best.score = score_of(best.evaluation);
    started_ = row("before training", start_.method, best.file, best.evaluation);
    watch_.lap("evaluation of the start");
    return best;
  }

  report::QuantizedRow row(std::string name,
                           std::string method,
                           const onnx_io::OnnxFile& file,
                           report::Evaluation evaluation) const {
    const auto size = static_cast<std::int64_t>(file.size());
    const allocation::Cost cost = ptq::cost_of(context_.model, start_.planned, start_.plan());
    return {
        .allocator = std::move(name),
        .requested = start_.plan().requested,
        .method = std::move(method),
        .file = {},
        .bytes_on_disk = size,
        .bytes_promised = start_.plan().bytes_promised > 0 ? start_.plan().bytes_promised : size,
        .average_bits = options_.float_network ? allocation::kFloatBits : cost.average_bits,
        .gbops = static_cast<double>(cost.bops) / 1e9,
        .compression = static_cast<double>(context_.model.file_bytes) / static_cast<double>(size),
        .weight_bits = start_.weight_bits(),
        .evaluation = std::move(evaluation)};
  }

  report::Finetuning finish(FinetuneOutcome outcome) {
    report::Quantization& made = result_.quantization;
    const TrainingProgress& at = outcome.at;
    const pipeline::FileForm& form = options_.start.search.form;
    if (const auto warning = ptq::unread_types(form, start_.weight_bits())) log().warn(*warning);
    add(at.best, options_.start.output);
    if (outcome.last) add(*outcome.last, pipeline::last_file(options_.start.output));
    if (started_ && at.best.epoch != 0) made.networks.push_back(std::move(*started_));
    made.search = std::move(start_.planned.report);
    made.evaluated_on = context_.evaluation.used;
    made.evaluated_on.skipped = context_.evaluation.dataset->skipped();
    result_.trained_on = context_.training.used;
    result_.trained_on.count = static_cast<std::int64_t>(context_.indices.size());
    result_.trained_on.skipped = outcome.skipped;
    result_.best_epoch = at.best.epoch;
    result_.stopped_early = at.epoch < options_.epochs;
    result_.resumed_epochs = outcome.resumed_epochs;
    result_.training = named_choices(options_);
    result_.epochs = std::move(outcome.at.epochs);
    std::error_code ignored;
    fs::remove(checkpoint_of(options_), ignored);
    if (journal_) journal_->finish();
    return std::move(result_);
  }

  /// Writes the network of an epoch (0: the start of training). Its results are measured on the
  /// file after reading it back.
  void add(const BestEpoch& epoch, const fs::path& file) {
    onnx_io::write_onnx_file(file, epoch.file);
    const std::string method = options_.float_network ? "float" : options_.quantizer;
    auto& networks = result_.quantization.networks;
    networks.push_back(epoch.epoch == 0 ? *started_
                                        : row(start_.plan().allocator,
                                              fmt::format("{}, epoch {}", method, epoch.epoch),
                                              epoch.file,
                                              epoch.evaluation));
    networks.back().file = file.string();
    networks.back().evaluation = validate(context_,
                                          pipeline::load_graph(file, context_.model.import),
                                          "evaluation of " + file.filename().string());
  }

  FinetuneContext context_;
  const FinetuneOptions& options_;
  std::vector<std::int64_t> tuning_;  ///< samples for rounding
  std::string fingerprint_;
  std::optional<pipeline::Journal> journal_;  ///< for widths and rounding
  report::Finetuning result_;
  pipeline::Stopwatch watch_;
  FinetuneStart start_;
  std::optional<report::QuantizedRow> started_;
};

}  // namespace

report::Finetuning finetune(const pipeline::Model& model,
                            const graph::Graph& unfolded,
                            pipeline::Samples& samples,
                            pipeline::Samples& training,
                            pipeline::Samples& evaluation,
                            const FinetuneOptions& options,
                            const ProgressHandler& progress) {
  const pipeline::FileForm& form = options.start.search.form;
  if (form.opset) onnx_io::check_opset(model.file_graph.value_or(model.graph), *form.opset);
  check_network(model.graph);
  check_labels(training, evaluation, options);
  check_checkpoint_name(checkpoint_of(options));
  return Finetuner({.model = model,
                    .unfolded = unfolded,
                    .samples = samples,
                    .training = training,
                    .evaluation = evaluation,
                    .options = options,
                    .progress = progress,
                    .indices = training_indices(training, evaluation)})
      .run();
}

}  // namespace ompq::qat

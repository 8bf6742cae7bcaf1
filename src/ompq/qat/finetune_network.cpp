#include "ompq/qat/finetune_network.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/file_graph.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/pipeline/quantized_layer.h"
#include "ompq/ptq/quantization_plan.h"

namespace ompq::qat {

std::int64_t FinetuneContext::batches_per_epoch() const {
  const auto count = static_cast<std::int64_t>(indices.size());
  return std::max<std::int64_t>(1, count / options.batch_size);
}

pipeline::FileForm form_of(const FinetuneContext& context,
                           const FinetuneStart& start,
                           const std::filesystem::path& path) {
  pipeline::FileForm form = ptq::file_form(context.options.start, start.planned);
  if (context.options.float_network) form.format = onnx_io::WeightFormat::Float;
  form.name = path.filename().string();
  return form;
}

double score_of(const report::Evaluation& evaluation) {
  return evaluation.top1.value_or(evaluation.agreement.value_or(0.0));
}

report::Evaluation validate(const FinetuneContext& context,
                            const graph::Graph& graph,
                            const std::string& task) {
  pipeline::EvaluateOptions options = context.options.start.evaluation;
  options.task = task;
  if (!context.options.float_network) options.reference_logits = &context.float_logits;
  pipeline::Samples& samples = context.evaluation;
  return pipeline::evaluate(
             graph, *samples.dataset, samples.indices, options, nullptr, context.progress)
      .evaluation;
}

FinetuneNetwork::FinetuneNetwork(const FinetuneContext& context, const FinetuneStart& start)
    : context_(context),
      start_(start),
      trainer_(std::make_unique<training::Trainer>(context.unfolded, trainer_options())) {
  const FinetuneOptions& options = context_.options;
  if (!options.float_network) {
    trainer_->quantize(codes_for(trainer_->folded_graph()), options.quantizer);
  }
  if (options.trainer.loss.distillation > 0.0) trainer_->teach(context_.unfolded);
}

training::TrainerOptions FinetuneNetwork::trainer_options() const {
  training::TrainerOptions trainer = context_.options.trainer;
  trainer.network.norms = context_.options.norms == Norms::Frozen ? training::NormMode::Frozen
                                                                  : training::NormMode::Trained;
  const auto steps_in = [&](double epochs) {
    const double batches = epochs * static_cast<double>(context_.batches_per_epoch());
    return static_cast<std::int64_t>(batches) / trainer.accumulation;
  };
  trainer.schedule.total_steps =
      std::max<std::int64_t>(1, steps_in(static_cast<double>(context_.options.epochs)));
  trainer.schedule.warmup_steps =
      std::min(steps_in(context_.options.warmup_epochs), trainer.schedule.total_steps);
  return trainer;
}

/// The start's codes, with activations mapped by name to the values of `graph`.
rounding::NetworkCodes FinetuneNetwork::codes_for(const graph::Graph& graph) const {
  rounding::NetworkCodes codes = start_.codes;
  codes.activations.clear();
  for (const auto& [value, params] : start_.codes.activations) {
    codes.activations.emplace(pipeline::same_value(context_.model.graph, value, graph), params);
  }
  return codes;
}

void FinetuneNetwork::check(const BestEpoch& best) const {
  // External data is refused for a network in memory; such a file is read back when it is written.
  if (best.epoch == 0 || !best.file.data.empty()) return;
  graph::Graph graph;
  try {
    graph = onnx_io::import_onnx_bytes(best.file.model);
  } catch (const Error& error) {
    throw DataError("best network", error.reason());
  }
  if (context_.options.float_network) return;
  const auto note = pipeline::read_file_metadata(graph.metadata);
  if (!note || note->float_sha256 != context_.model.sha256 ||
      note->weight_bits != start_.weight_bits()) {
    throw DataError("best network", "it is not of this model, or has other widths");
  }
  const auto& request = context_.options.start.search.request;
  const bool on_disk =
      request.accounting.value_or(allocation::Accounting::Disk) == allocation::Accounting::Disk;
  const auto bytes = static_cast<std::int64_t>(best.file.size());
  if (on_disk && request.budget.bytes && bytes > *request.budget.bytes) {
    throw DataError(
        "best network",
        fmt::format("it has {} bytes, more than the budget of {}", bytes, *request.budget.bytes));
  }
}

void FinetuneNetwork::reestimate_norms() {
  const std::vector<std::int64_t> from = reestimation_samples();
  std::size_t next = 0;
  (void)trainer_->reestimate_norms([&](training::TrainingBatch& batch) {
    if (next >= from.size()) return false;
    const std::size_t end =
        std::min(from.size(), next + static_cast<std::size_t>(context_.options.batch_size));
    data::Batch loaded =
        context_.samples.dataset->load({from.begin() + static_cast<std::ptrdiff_t>(next),
                                        from.begin() + static_cast<std::ptrdiff_t>(end)});
    batch = {.inputs = std::move(loaded.inputs), .labels = {}};
    next = end;
    return true;
  });
}

/// Samples for re-estimating norms: evenly from all training samples, or those of the calibration
/// if these are of another source.
std::vector<std::int64_t> FinetuneNetwork::reestimation_samples() const {
  if (!pipeline::same_source(context_.samples, context_.training)) return context_.samples.indices;
  constexpr std::size_t kSamples = 2048;
  const std::vector<std::int64_t>& indices = context_.indices;
  const std::size_t count = std::min(kSamples, indices.size());
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(indices[i * indices.size() / count]);
  return chosen;
}

BestEpoch FinetuneNetwork::written_now(const std::string& task, const std::filesystem::path& path) {
  const pipeline::FileForm form = form_of(context_, start_, path);
  return context_.options.float_network ? written_float(task, form) : written_quantized(task, form);
}

/// The file keeps batch norms unfolded; fold them for the evaluation, as on reading.
BestEpoch FinetuneNetwork::written_float(const std::string& task, const pipeline::FileForm& form) {
  pipeline::QuantizedNetwork network{.graph = trainer_->unfolded_graph(),
                                     .weights = {},
                                     .file_graph = context_.model.unfolded_file_graph};
  if (network.file_graph) pipeline::take_constants(*network.file_graph, network.graph);
  BestEpoch now;
  now.file = pipeline::export_file(network, form);
  graph::fold_batch_norms(network.graph);
  network.graph.sort();
  ops::infer_and_fold(network.graph);
  now.evaluation = validate(context_, network.graph, task);
  return now;
}

BestEpoch FinetuneNetwork::written_quantized(const std::string& task,
                                             const pipeline::FileForm& form) {
  pipeline::Model trained = context_.model;
  trained.graph = trainer_->float_graph();
  trained.discovery = graph::discover(trained.graph);
  const pipeline::QuantizedNetwork network =
      pipeline::assemble_network(trained, start_.weight_bits(), trainer_->codes());
  BestEpoch now;
  now.file = pipeline::export_file(network, form);
  now.evaluation = validate(context_, network.graph, task);
  return now;
}

}  // namespace ompq::qat

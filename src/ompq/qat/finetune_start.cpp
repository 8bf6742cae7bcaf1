#include "ompq/qat/finetune_start.h"

#include <set>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/quantized_file.h"
#include "ompq/pipeline/quantized_layer.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/scores/class_scores.h"

namespace ompq::qat {
namespace {

namespace fs = std::filesystem;

void describe_model(const FinetuneStartRequest& request,
                    std::string budget,
                    std::string activations,
                    report::Search& report) {
  const pipeline::Model& model = request.model;
  report.model = {model.file.string(), model.sha256, model.file_bytes};
  report.samples = request.samples.used;
  report.budget = std::move(budget);
  report.activation_bits = std::move(activations);
  report.layers = pipeline::layer_rows(model);
}

FinetuneStart float_start(const FinetuneStartRequest& request) {
  FinetuneStart start{.method = "float"};
  ptq::WidthPlan& plan = start.planned.plans.emplace_back();
  plan.allocator = "float";
  plan.weight_bits.assign(request.model.discovery.layers.size(), allocation::kFloatBits);
  describe_model(request, "none", "float", start.planned.report);
  return start;
}

FinetuneStart start_from_file(const FinetuneStartRequest& request) {
  const fs::path& path = *request.options.from;
  pipeline::QuantizedFile file = pipeline::read_quantized_file(request.model, path);
  FinetuneStart start{.codes = std::move(file.codes), .method = path.filename().string()};
  start.planned.plans.push_back(
      {.allocator = path.filename().string(), .weight_bits = std::move(file.weight_bits)});
  start.planned.activation_bits = std::move(file.activation_bits);
  start.planned.budget = std::move(file.budget);
  describe_model(request, "as " + path.string(), "as there", start.planned.report);
  request.watch.lap("reading the start");
  return start;
}

FinetuneStart start_by_rounding(const FinetuneStartRequest& request) {
  const ptq::QuantizeOptions& options = request.options.start;
  FinetuneStart start{.method = options.method.method};
  start.planned =
      ptq::plan_widths(request.model, request.samples, options, request.journal, request.progress);
  request.watch.lap("search");
  const auto activations = pipeline::calibrate(request.model,
                                               start.planned.activation_bits,
                                               request.samples,
                                               options.calibration,
                                               request.progress);
  request.watch.lap("calibration");
  const std::vector<int>& widths = start.planned.plans.front().weight_bits;
  start.codes = ptq::round_network(
      request.model,
      pipeline::nearest_codes(request.model, widths, activations, options.search.weights),
      *request.samples.dataset,
      request.tuning,
      options.method,
      request.journal,
      request.report.reconstruction.emplace(),
      request.progress);
  request.watch.lap("rounding");
  return start;
}

}  // namespace

fs::path checkpoint_of(const FinetuneOptions& options) {
  return options.checkpoint.empty() ? pipeline::checkpoint_file(options.start.output)
                                    : options.checkpoint;
}

std::vector<std::int64_t> training_indices(const pipeline::Samples& training,
                                           const pipeline::Samples& evaluation) {
  if (!pipeline::same_source(training, evaluation)) return training.indices;
  const std::set<std::int64_t> taken(evaluation.indices.begin(), evaluation.indices.end());
  std::vector<std::int64_t> indices;
  for (const std::int64_t index : training.indices) {
    if (!taken.contains(index)) indices.push_back(index);
  }
  if (indices.empty()) {
    throw DataError("finetune",
                    fmt::format("all {} samples of {} are used for validation, so none is left for "
                                "training; give --eval-data, or a smaller --limit",
                                training.indices.size(),
                                training.used.source));
  }
  return indices;
}

void check_network(const graph::Graph& graph) {
  if (!scores::class_count(graph)) {
    throw ConfigError(
        "finetune",
        "the network's first output is not class scores [n, classes]; other networks cannot be "
        "trained yet, but 'ompq quantize --effort best' works without classes");
  }
}

void check_labels(const pipeline::Samples& training,
                  const pipeline::Samples& evaluation,
                  const FinetuneOptions& o) {
  const auto missing = [](const pipeline::Samples& samples) {
    const std::string fault = samples.dataset->label_fault();
    return fault.empty() ? fmt::format("{} has no labels", samples.used.source)
                         : fmt::format("labels cannot be used: {}", fault);
  };
  const bool labelled = training.dataset->has_labels();
  if (!labelled && o.trainer.loss.distillation < 1.0) {
    throw ConfigError("finetune", missing(training) + "; --distill 1 needs no labels");
  }
  if (o.float_network && !(labelled && evaluation.dataset->has_labels())) {
    throw ConfigError("finetune",
                      fmt::format("--float needs labels in --data and --eval-data, but {}",
                                  missing(labelled ? evaluation : training)));
  }
}

FinetuneStart start_finetuning(const FinetuneStartRequest& request) {
  if (request.options.float_network) return float_start(request);
  return request.options.from ? start_from_file(request) : start_by_rounding(request);
}

}  // namespace ompq::qat

#include "ompq/pipeline/quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/stopwatch.h"

namespace ompq::pipeline {
namespace {

/// Widths per layer under the name of whoever chose them.
struct Plan {
  std::string allocator;
  std::vector<int> weight_bits;
  std::int64_t bytes_promised = 0;
};

struct Planned {
  report::Search report;
  std::vector<Plan> plans;                          ///< the chosen one first
  std::vector<std::optional<int>> activation_bits;  ///< per layer; none: float
};

Planned plan_from_search(const Model& model,
                         Samples& samples,
                         const QuantizeOptions& options,
                         const ProgressHandler& progress) {
  SearchOutcome found = search(model, samples, options.search, progress);
  Planned planned;
  for (const report::AllocationRow& row : found.report.allocations) {
    if (row.refused.empty()) planned.plans.push_back({row.allocator, row.weight_bits, row.bytes});
  }
  for (const auto& layer : found.chosen.layers) {
    planned.activation_bits.push_back(layer.activation_bits);
  }
  planned.report = std::move(found.report);
  return planned;
}

Planned plan_from_file(const Model& model, Samples& samples, const QuantizeOptions& options) {
  const auto file = allocation::read_allocation(*options.allocation_file, layer_costs(model));
  Planned planned;
  Plan plan{.allocator = options.allocation_file->filename().string()};
  for (const auto& layer : file.layers) {
    plan.weight_bits.push_back(layer.weight_bits);
    planned.activation_bits.push_back(layer.activation_bits);
  }
  std::vector<int> activation_bits;
  for (const auto& bits : planned.activation_bits) {
    activation_bits.push_back(bits.value_or(allocation::kFloatBits));
  }
  const FileSize size(model, options.search.weights, options.search.format);
  plan.bytes_promised = size.bytes(plan.weight_bits, activation_bits);
  planned.plans.push_back(std::move(plan));
  planned.report.model = {model.file.string(), model.sha256, model.file_bytes};
  planned.report.samples = samples.used;
  planned.report.budget = allocation::describe(file.budget);
  planned.report.layers = layer_rows(model);
  return planned;
}

tuning::ActivationQuantizers calibrate(const Model& model,
                                       const std::vector<std::optional<int>>& bits,
                                       Samples& samples,
                                       const QuantizeOptions& options,
                                       const ProgressHandler& progress) {
  std::vector<graph::Layer> quantized;
  std::vector<BitWidth> widths;
  for (std::size_t l = 0; l < bits.size(); ++l) {
    if (!bits[l]) continue;
    quantized.push_back(model.discovery.layers[l]);
    widths.emplace_back(*bits[l]);
  }
  if (quantized.empty()) return {};
  return tuning::calibrate_activations(model.graph,
                                       quantized,
                                       widths,
                                       *samples.dataset,
                                       samples.indices,
                                       options.calibration,
                                       progress);
}

double average_bits(const Model& model, const std::vector<int>& weight_bits) {
  return allocation::total_cost(layer_costs(model), weight_bits, {}, {}).average_bits;
}

}  // namespace

report::Quantization quantize(const Model& model,
                              Samples& samples,
                              Samples& evaluation,
                              const QuantizeOptions& options,
                              const ProgressHandler& progress) {
  report::Quantization result;
  Stopwatch watch(result.seconds);
  Planned planned = options.allocation_file ? plan_from_file(model, samples, options)
                                            : plan_from_search(model, samples, options, progress);
  watch.lap("search");
  const auto activations = calibrate(model, planned.activation_bits, samples, options, progress);
  watch.lap("calibration");

  EvaluateOptions float_options = options.evaluation;
  float_options.keep_outputs = true;
  const EvaluateOutcome real = evaluate(
      model.graph, *evaluation.dataset, evaluation.indices, float_options, nullptr, progress);
  result.float_evaluation = real.evaluation;
  watch.lap("float evaluation");

  for (std::size_t p = 0; p < planned.plans.size(); ++p) {
    const Plan& plan = planned.plans[p];
    check_interrupt();
    const QuantizedNetwork network =
        quantize_network(model, plan.weight_bits, activations, options.search.weights);
    const std::string bytes = export_bytes(network, options.search.format);
    report::QuantizedRow row{
        .allocator = plan.allocator,
        .bytes_on_disk = static_cast<std::int64_t>(bytes.size()),
        .bytes_promised = plan.bytes_promised,
        .average_bits = average_bits(model, plan.weight_bits),
        .compression = static_cast<double>(model.file_bytes) / static_cast<double>(bytes.size()),
        .weight_bits = plan.weight_bits};
    if (p == 0) {
      write_file_atomically(options.output, bytes);
      row.file = options.output.string();
    }
    EvaluateOptions evaluate_options = options.evaluation;
    evaluate_options.task = "evaluation of " + plan.allocator;
    evaluate_options.reference_logits = &real.logits;
    row.evaluation = evaluate(network.graph,
                              *evaluation.dataset,
                              evaluation.indices,
                              evaluate_options,
                              nullptr,
                              progress)
                         .evaluation;
    result.networks.push_back(std::move(row));
  }
  watch.lap("quantization and evaluation");
  result.search = std::move(planned.report);
  result.evaluated_on = evaluation.used;
  result.evaluated_on.skipped = evaluation.dataset->skipped();
  return result;
}

}  // namespace ompq::pipeline

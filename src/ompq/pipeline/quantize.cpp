#include "ompq/pipeline/quantize.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/version.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/pipeline/stopwatch.h"

namespace ompq::pipeline {
namespace {

using Json = nlohmann::json;

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

/// Everything that the written codes depend on.
std::string fingerprint_of(const Model& model,
                           const Samples& samples,
                           const std::vector<std::int64_t>& tuning,
                           const QuantizeOptions& options) {
  const RequestOptions& request = options.search.request;
  std::string text = fmt::format("{} {} {} {} {} {} {} {} {}",
                                 kVersion,
                                 model.sha256,
                                 samples.used.source,
                                 samples.used.split,
                                 samples.used.seed,
                                 samples.used.preprocess,
                                 fmt::join(samples.indices, ","),
                                 fmt::join(tuning, ","),
                                 activation_text(request));
  const MethodOptions& method = options.method;
  text += fmt::format("\n{} {} {} {} {} {} {}",
                      method.method,
                      effort_row(method.effort).name,
                      method.iterations.value_or(0),
                      method.epochs.value_or(0),
                      static_cast<int>(method.weight),
                      method.seed,
                      static_cast<int>(options.search.weights.symmetry));
  const Preparation& prepare = method.prepare;
  text += fmt::format(" {}{}{}{} {}",
                      prepare.equalize,
                      prepare.analytic_bias,
                      prepare.correct_bias,
                      prepare.reestimate_norms,
                      options.search.compensated);
  text += fmt::format("\n{} {} {} {} {}",
                      allocation::describe(request.budget),
                      options.search.allocator,
                      fmt::join(request.candidates, ","),
                      static_cast<int>(options.calibration.range),
                      options.search.automatic.time_limit_seconds);
  for (const auto& [name, widths] : request.choices.candidates) {
    text += fmt::format("\n{}={}", name, fmt::join(widths, ","));
  }
  for (const auto& [name, width] : request.choices.pins) {
    text += fmt::format("\n{}:{}", name, width);
  }
  text += fmt::format("\n{} {} {}",
                      fmt::join(request.choices.excluded, ","),
                      request.choices.first_last.value_or(0),
                      static_cast<int>(request.scheme));
  if (options.allocation_file) text += read_file(*options.allocation_file);
  return sha256(text);
}

/// The searched widths as a journal keeps them.
std::string to_json(const Planned& planned) {
  Json json = {{"plans", Json::array()}, {"activation_bits", Json::array()}};
  for (const Plan& plan : planned.plans) {
    json["plans"].push_back({{"allocator", plan.allocator},
                             {"weight_bits", plan.weight_bits},
                             {"bytes", plan.bytes_promised}});
  }
  for (const auto& bits : planned.activation_bits) {
    json["activation_bits"].push_back(bits.value_or(allocation::kFloatBits));
  }
  return json.dump();
}

Planned plan_from_journal(const Model& model,
                          const Samples& samples,
                          const QuantizeOptions& options,
                          const std::string& unit) {
  const Json json = Json::parse(unit);
  Planned planned;
  for (const Json& plan : json.at("plans")) {
    planned.plans.push_back({plan.at("allocator").get<std::string>(),
                             plan.at("weight_bits").get<std::vector<int>>(),
                             plan.at("bytes").get<std::int64_t>()});
  }
  for (const Json& bits : json.at("activation_bits")) {
    const int width = bits.get<int>();
    planned.activation_bits.push_back(width == allocation::kFloatBits ? std::nullopt
                                                                      : std::optional(width));
  }
  planned.report.model = {model.file.string(), model.sha256, model.file_bytes};
  planned.report.samples = samples.used;
  planned.report.budget = allocation::describe(options.search.request.budget);
  planned.report.layers = layer_rows(model);
  return planned;
}

Planned plan(const Model& model,
             Samples& samples,
             const QuantizeOptions& options,
             Journal* journal,
             const ProgressHandler& progress) {
  if (options.allocation_file) return plan_from_file(model, samples, options);
  const auto kept = journal != nullptr ? journal->find("widths") : std::nullopt;
  if (kept) return plan_from_journal(model, samples, options, *kept);
  Planned planned = plan_from_search(model, samples, options, progress);
  if (journal != nullptr) journal->append("widths", to_json(planned));
  return planned;
}

/// The calibration samples, and as many more of their source as the method wants and the evaluation
/// leaves.
std::vector<std::int64_t> tuning_samples(const Samples& samples,
                                         const Samples& evaluation,
                                         const QuantizeOptions& options) {
  const std::int64_t wanted =
      options.tuning_samples > 0 ? options.tuning_samples : samples_wanted(options.method);
  std::vector<std::int64_t> chosen = samples.indices;
  const bool shared =
      evaluation.used.source == samples.used.source && evaluation.used.split == samples.used.split;
  const std::set<std::int64_t> taken(evaluation.indices.begin(), evaluation.indices.end());
  for (const std::int64_t index : held_out(samples, samples.dataset->size())) {
    if (static_cast<std::int64_t>(chosen.size()) >= wanted) break;
    if (!shared || !taken.contains(index)) chosen.push_back(index);
  }
  if (wanted > 0 && static_cast<std::int64_t>(chosen.size()) > wanted) {
    chosen.resize(static_cast<std::size_t>(wanted));
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// Says what is to come before it takes long.
void announce(const Model& model,
              const MethodOptions& method,
              const std::vector<std::int64_t>& tuning,
              double forward_seconds) {
  const report::MethodCost cost =
      expected_cost(model, method, static_cast<std::int64_t>(tuning.size()), forward_seconds);
  log().info("rounding by {} with {} samples: about {:.0f} s and {:.1f} GiB of cached activations",
             method.method,
             cost.samples,
             cost.seconds,
             static_cast<double>(cost.memory_bytes) / (1 << 30));
}

double average_bits(const Model& model, const std::vector<int>& weight_bits) {
  return allocation::total_cost(layer_costs(model), weight_bits, {}, {}).average_bits;
}

/// Everything, with the journal open.
report::Quantization quantize_kept(const Model& given,
                                   Samples& samples,
                                   Samples& evaluation,
                                   const std::vector<std::int64_t>& tuning,
                                   const QuantizeOptions& options,
                                   std::optional<Journal>& journal,
                                   const ProgressHandler& progress) {
  report::Quantization result;
  if (journal) result.resumed = static_cast<std::int64_t>(journal->resumed());
  Stopwatch watch(result.seconds);
  std::optional<Model> equalized;
  if (options.method.prepare.equalize) {
    equalized = equalized_model(
        given, *samples.dataset, samples.indices, options.calibration.batch_size, progress);
    watch.lap("equalization");
  }
  const Model& model = equalized ? *equalized : given;
  Journal* kept = journal ? &*journal : nullptr;
  Planned planned = plan(model, samples, options, kept, progress);
  watch.lap("search");
  const auto activations = calibrate(model, planned.activation_bits, samples, options, progress);
  watch.lap("calibration");

  EvaluateOptions float_options = options.evaluation;
  float_options.keep_outputs = true;
  const EvaluateOutcome real = evaluate(
      given.graph, *evaluation.dataset, evaluation.indices, float_options, nullptr, progress);
  result.float_evaluation = real.evaluation;
  watch.lap("float evaluation");

  for (std::size_t p = 0; p < planned.plans.size(); ++p) {
    const Plan& plan = planned.plans[p];
    check_interrupt();
    tuning::NetworkCodes codes =
        nearest_codes(model, plan.weight_bits, activations, options.search.weights);
    if (p == 0 && journal) {
      const double forward =
          real.evaluation.seconds / std::max(1.0, static_cast<double>(real.evaluation.samples));
      announce(model, options.method, tuning, forward);
      codes = round_network(model,
                            codes,
                            *samples.dataset,
                            tuning,
                            options.method,
                            kept,
                            result.reconstruction.emplace(),
                            progress);
      watch.lap("rounding");
    }
    const QuantizedNetwork network = assemble_network(model, plan.weight_bits, codes);
    const std::string bytes = export_bytes(network, options.search.format);
    report::QuantizedRow row{
        .allocator = plan.allocator,
        .method = p == 0 ? options.method.method : "nearest",
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
  if (journal) journal->finish();
  watch.lap("quantization and evaluation");
  result.search = std::move(planned.report);
  result.evaluated_on = evaluation.used;
  result.evaluated_on.skipped = evaluation.dataset->skipped();
  return result;
}

}  // namespace

report::Quantization quantize(const Model& model,
                              Samples& samples,
                              Samples& evaluation,
                              const QuantizeOptions& options,
                              const ProgressHandler& progress) {
  const auto tuning = tuning_samples(samples, evaluation, options);
  std::optional<Journal> journal;
  if (options.method.method != "nearest" || options.method.prepare.any()) {
    std::filesystem::path path = options.journal;
    if (path.empty()) path = options.output.string() + ".journal";
    journal.emplace(path, fingerprint_of(model, samples, tuning, options));
  }
  try {
    return quantize_kept(model, samples, evaluation, tuning, options, journal, progress);
  } catch (...) {
    if (journal && journal->size() == 0) {
      journal->finish();  // nothing to go on from
    } else if (journal) {
      log().warn("what is finished is kept in {}; the same command goes on from there",
                 journal->path().string());
    }
    throw;
  }
}

}  // namespace ompq::pipeline

#include "ompq/pipeline/search.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/data/batches.h"
#include "ompq/pipeline/stopwatch.h"

namespace ompq::pipeline {
namespace {

constexpr std::string_view kOutputError = "output-error";

std::vector<BitWidth> bit_widths(const std::vector<int>& widths) {
  std::vector<BitWidth> result;
  for (const int width : widths) result.emplace_back(width);
  return result;
}

/// Every layer's weight at every width, quantized once and kept: batches and allocators share it.
class WeightCache {
 public:
  WeightCache(const Model& model, const tuning::WeightOptions& options)
      : model_(model), options_(options) {}

  Tensor get(std::size_t layer, BitWidth width) {
    Tensor& slot = weights_[{layer, width.value()}];
    if (slot.elements() == 0) {
      slot = quant::dequantize(
          tuning::quantize_weight(model_.graph, model_.discovery.layers[layer], width, options_));
    }
    return slot;
  }

 private:
  const Model& model_;
  tuning::WeightOptions options_;
  std::map<std::pair<std::size_t, int>, Tensor> weights_;
};

sensitivity::LossTable measure_losses(const Model& model,
                                      Samples& samples,
                                      const SearchOptions& options,
                                      const std::vector<int>& candidates,
                                      const ProgressHandler& progress) {
  WeightCache cache(model, options.weights);
  sensitivity::OutputError metric(
      model.discovery.layers, bit_widths(candidates), [&](std::size_t layer, BitWidth width) {
        return cache.get(layer, width);
      });
  runtime::Executor executor(model.graph, options.executor);
  data::for_each_batch(
      *samples.dataset, samples.indices, options.batch_size, [&](const data::Batch& batch) {
        metric.add_batch(executor, model.graph, batch.inputs, progress);
      });
  return metric.result();
}

/// The request that all allocators answer, before the scheme of the one that is asked is applied.
struct Requests {
  allocation::AllocationRequest free;
  const FileSize& size;
  double beta;
  std::optional<allocation::Accounting> accounting;
  std::optional<allocation::Rounding> rounding;
  const orm::Importance& importance;
  const sensitivity::LossTable* losses;  // nullptr where no allocator needs them
};

/// Rows for the widths that each layer may take; empty where some of them were not measured.
std::vector<std::vector<double>> losses_for(const Requests& requests,
                                            const std::vector<std::vector<int>>& candidates) {
  std::vector<std::vector<double>> rows;
  if (requests.losses == nullptr) return rows;
  const auto& widths = requests.losses->widths;
  for (std::size_t l = 0; l < candidates.size(); ++l) {
    std::vector<double>& row = rows.emplace_back();
    if (candidates[l].size() == 1) continue;  // nothing to choose
    for (const int candidate : candidates[l]) {
      const auto found = std::find(widths.begin(), widths.end(), BitWidth(candidate));
      if (found == widths.end()) return {};
      row.push_back(requests.losses->at(l, static_cast<std::size_t>(found - widths.begin())));
    }
  }
  return rows;
}

/// Sets what the file holds beside the layers, so that the cost model meets the file's size at
/// `widths`.
void anchor_file_size(allocation::AllocationRequest& request,
                      const FileSize& size,
                      const std::vector<int>& widths) {
  request.cost.fixed_bytes = 0;
  const auto modelled = allocation::total_cost(request.layers, widths, {}, request.cost).bytes;
  request.cost.fixed_bytes = size.bytes(widths) - modelled;
}

allocation::AllocationRequest request_for(const Requests& requests, allocation::Scheme scheme) {
  allocation::AllocationRequest request = requests.free;
  if (scheme != allocation::Scheme::Free) {
    allocation::apply_scheme(request, scheme);
    if (requests.accounting) request.cost.accounting = *requests.accounting;
  }
  if (requests.rounding) request.rounding = *requests.rounding;
  request.loss = losses_for(requests, allocation::candidates_of(request));
  for (const auto& item : allocation::decision_items(request.layers)) {
    request.coefficients.push_back(requests.importance.coefficients[item.leader]);
  }
  return request;
}

/// Solves; where the file would exceed a size budget by the few bytes that the linear cost model
/// cannot know (length prefixes, constants shared by layers of one width), tightens and solves
/// again.
allocation::Allocation allocate(const allocation::Allocator& allocator,
                                allocation::AllocationRequest request,
                                const FileSize& size) {
  const bool on_disk = request.cost.accounting == allocation::Accounting::Disk;
  if (on_disk) {
    const std::vector<int> middle(request.layers.size(),
                                  request.candidates[request.candidates.size() / 2]);
    anchor_file_size(request, size, middle);
  }
  allocation::Allocation allocation = allocator.allocate(request);
  if (!on_disk || !request.budget.bytes) return allocation;
  const std::int64_t limit = *request.budget.bytes;
  for (int attempt = 0; attempt < 8 && size.bytes(allocation.weight_bits) > limit; ++attempt) {
    anchor_file_size(request, size, allocation.weight_bits);
    if (allocation::total_cost(request.layers, allocation.weight_bits, {}, request.cost).bytes <=
        *request.budget.bytes) {
      *request.budget.bytes -= size.bytes(allocation.weight_bits) - limit;
    }
    allocation = allocator.allocate(request);
  }
  return allocation;
}

report::AllocationRow row_of(std::string_view name,
                             const allocation::Allocation& allocation,
                             const Requests& requests) {
  report::AllocationRow row;
  row.allocator = name;
  row.weight_bits = allocation.weight_bits;
  row.average_bits = allocation.cost.average_bits;
  row.bytes = requests.size.bytes(allocation.weight_bits);
  allocation::CostOptions paper;
  paper.accounting = allocation::Accounting::Paper;
  const auto& layers = requests.free.layers;
  row.paper_mib =
      static_cast<double>(allocation::total_cost(layers, allocation.weight_bits, {}, paper).bytes) /
      1048576.0;
  row.gbops = static_cast<double>(allocation.cost.bops) / 1e9;
  if (requests.losses != nullptr) {
    const auto& widths = requests.losses->widths;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto found =
          std::find(widths.begin(), widths.end(), BitWidth(allocation.weight_bits[l]));
      if (found == widths.end()) continue;
      row.predicted_loss +=
          requests.losses->at(l, static_cast<std::size_t>(found - widths.begin()));
    }
  }
  row.solver = allocation.solution.solver;
  row.status = allocation::name_of(allocation.solution.status);
  if (!allocation.solution.within_budget) row.status += ", exceeds the budget";
  row.objective = allocation.solution.objective;
  row.gap = allocation.solution.gap;
  row.seconds = allocation.solution.seconds;
  return row;
}

/// The scheme under which an allocator is asked: those that hold the paper's importance live in its
/// ranges.
allocation::Scheme scheme_for(std::string_view allocator, allocation::Scheme asked) {
  const bool papers = allocator == "orm" || allocator == "projection";
  return asked == allocation::Scheme::Free && papers ? allocation::Scheme::PaperPtq : asked;
}

std::vector<std::string> asked_allocators(const SearchOptions& options) {
  std::vector<std::string> names{options.allocator};
  for (const std::string& name : options.beside) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string_view name_of(allocation::Scheme scheme) {
  switch (scheme) {
    case allocation::Scheme::Free:
      return "default";
    case allocation::Scheme::PaperPtq:
      return "paper-ptq";
    case allocation::Scheme::PaperQat:
      return "paper-qat";
  }
  throw InternalError("search", "unknown scheme");
}

allocation::AllocationRequest free_request(const Model& model, const SearchOptions& options) {
  allocation::AllocationRequest request;
  request.layers = layer_costs(model);
  request.candidates = options.candidates;
  std::sort(request.candidates.begin(), request.candidates.end());
  request.budget = options.budget;
  request.cost.accounting = options.accounting.value_or(allocation::Accounting::Disk);
  request.cost.activation_bits = options.activation_bits.value_or(8);
  request.cost.zero_points = options.weights.symmetry == quant::Symmetry::Asymmetric;
  request.float_bytes = model.file_bytes;
  request.integer = options.integer;
  return request;
}

void fill_orthogonality(report::Search& report,
                        const FeatureOutcome& features,
                        const orm::Importance& importance,
                        double beta) {
  report.orm = features.matrix.values;
  report.estimator = features.estimator == orm::Estimator::Biased ? "biased" : "debiased";
  report.beta = beta;
  report.gamma = importance.gamma;
  report.theta = importance.theta;
  report.coefficients = importance.coefficients;
}

/// Importance for the decisions alone: a tied layer follows its leader and takes no part in the
/// program.
orm::Importance importance_of_leaders(const FeatureOutcome& features,
                                      const std::vector<allocation::LayerCost>& layers,
                                      double beta) {
  orm::OrthogonalityMatrix leaders;
  std::vector<std::size_t> chosen;
  for (const auto& item : allocation::decision_items(layers)) chosen.push_back(item.leader);
  leaders.layers = static_cast<std::int64_t>(chosen.size());
  for (const std::size_t i : chosen) {
    for (const std::size_t j : chosen) {
      leaders.values.push_back(
          features.matrix.at(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)));
    }
  }
  const orm::Importance compact = orm::importance(leaders, beta);
  orm::Importance spread = orm::importance(features.matrix, beta);
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    spread.gamma[chosen[k]] = compact.gamma[k];
    spread.theta[chosen[k]] = compact.theta[k];
    spread.coefficients[chosen[k]] = compact.coefficients[k];
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].tied_to == allocation::kUntied) continue;
    const auto leader = static_cast<std::size_t>(layers[l].tied_to);
    spread.gamma[l] = spread.gamma[leader];
    spread.theta[l] = spread.theta[leader];
    spread.coefficients[l] = spread.coefficients[leader];
  }
  return spread;
}

void allocate_all(SearchOutcome& outcome,
                  const std::vector<std::string>& names,
                  const Requests& requests,
                  allocation::Scheme scheme) {
  for (const std::string& name : names) {
    const auto& allocator = allocation::allocator(name);
    const auto request = request_for(requests, scheme_for(name, scheme));
    try {
      const auto allocation = allocate(allocator, request, requests.size);
      outcome.report.allocations.push_back(row_of(name, allocation, requests));
      if (outcome.allocations.empty()) {
        outcome.chosen = allocation::make_allocation_file(request, allocation);
        outcome.chosen.budget = requests.free.budget;
      }
      outcome.allocations.emplace_back(allocation);
    } catch (const InfeasibleBudget& error) {
      if (outcome.allocations.empty()) throw;
      report::AllocationRow refused;
      refused.allocator = name;
      refused.refused = error.what();
      outcome.report.allocations.push_back(std::move(refused));
      outcome.allocations.emplace_back();
    }
  }
}

}  // namespace

SearchOutcome search(const Model& model,
                     Samples& samples,
                     const SearchOptions& options,
                     const ProgressHandler& progress) {
  SearchOutcome outcome;
  report::Search& report = outcome.report;
  Stopwatch watch(report.seconds);
  const std::vector<std::string> names = asked_allocators(options);
  for (const std::string& name : names) (void)allocation::allocator(name);  // unknown names first

  const FeatureOutcome features =
      measure_orthogonality(model.graph,
                            model.discovery.layers,
                            *samples.dataset,
                            samples.indices,
                            {.batch_size = options.batch_size, .executor = options.executor},
                            progress);
  watch.lap("features");

  allocation::AllocationRequest free = free_request(model, options);
  std::optional<sensitivity::LossTable> losses;
  if (std::find(names.begin(), names.end(), kOutputError) != names.end()) {
    std::vector<int> widths = free.candidates;
    if (options.scheme != allocation::Scheme::Free) {
      allocation::AllocationRequest schemed = free;
      allocation::apply_scheme(schemed, options.scheme);
      widths = schemed.candidates;
    }
    losses = measure_losses(model, samples, options, widths, progress);
    watch.lap("sensitivity");
  }

  const orm::Importance importance = importance_of_leaders(features, free.layers, options.beta);
  const std::vector<std::optional<int>> activation_bits(model.discovery.layers.size(),
                                                        options.activation_bits);
  const FileSize size(model, activation_bits, options.weights, options.format);
  const Requests requests{.free = std::move(free),
                          .size = size,
                          .beta = options.beta,
                          .accounting = options.accounting
                                            ? options.accounting
                                            : std::optional(allocation::Accounting::Disk),
                          .rounding = options.rounding,
                          .importance = importance,
                          .losses = losses ? &*losses : nullptr};
  allocate_all(outcome, names, requests, options.scheme);
  watch.lap("allocation");

  report.model = {model.file.string(), model.sha256, model.file_bytes};
  samples.used.skipped = samples.dataset->skipped();
  report.samples = samples.used;
  report.budget = allocation::describe(options.budget);
  report.accounting =
      requests.free.cost.accounting == allocation::Accounting::Disk ? "disk" : "paper";
  report.scheme = name_of(options.scheme);
  report.precision = options.executor.precision == runtime::Precision::BFloat16 ||
                             (options.executor.precision == runtime::Precision::Auto &&
                              runtime::has_native_bfloat16())
                         ? "bfloat16"
                         : "float32";
  report.activation_bits =
      options.activation_bits ? std::to_string(*options.activation_bits) : "float";
  report.layers = layer_rows(model);
  fill_orthogonality(report, features, importance, options.beta);
  if (losses) {
    for (const BitWidth width : losses->widths) report.widths.push_back(width.value());
    report.output_error = losses->values;
  }
  outcome.chosen.model_file = model.file.filename().string();
  outcome.chosen.model_sha256 = model.sha256;
  if (!options.activation_bits) {
    for (auto& layer : outcome.chosen.layers) layer.activation_bits.reset();
  }
  return outcome;
}

}  // namespace ompq::pipeline

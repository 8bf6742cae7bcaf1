#include "ompq/search/request_builder.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/allocation/latency_csv.h"
#include "ompq/core/error.h"
#include "ompq/pipeline/layer_tables.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/targets/target_table.h"

namespace ompq::search {
namespace {

std::optional<double> loss_at(const sensitivity::LossTable& table, std::size_t layer, int width) {
  if (width == allocation::kFloatBits) return 0.0;
  const auto found = std::find(table.widths.begin(), table.widths.end(), BitWidth(width));
  if (found == table.widths.end()) return std::nullopt;
  return table.at(layer, static_cast<std::size_t>(found - table.widths.begin()));
}

/// The interaction of a pair of layers at two widths; nullopt if the table lacks one of them.
std::optional<double> interaction_at(const sensitivity::PairwiseTable& table,
                                     const sensitivity::PairLoss& pair,
                                     int first,
                                     int second) {
  if (first == allocation::kFloatBits || second == allocation::kFloatBits) return 0.0;
  const auto column = [&](int width) {
    return std::find(table.widths.begin(), table.widths.end(), BitWidth(width));
  };
  const auto a = column(first);
  const auto b = column(second);
  if (a == table.widths.end() || b == table.widths.end()) return std::nullopt;
  const auto index = [&](auto at) { return static_cast<std::size_t>(at - table.widths.begin()); };
  return pair.values[index(a) * table.widths.size() + index(b)];
}

/// Interactions for the allocator: in the order of each layer's candidates.
std::vector<allocation::PairLoss> pairs_for(const allocation::AllocationRequest& request,
                                            const sensitivity::PairwiseTable& table) {
  std::vector<allocation::PairLoss> pairs;
  for (const sensitivity::PairLoss& pair : table.pairs) {
    allocation::PairLoss& row = pairs.emplace_back();
    row.first = pair.first;
    row.second = pair.second;
    for (const int a : allocation::candidates_of(request, pair.first)) {
      auto& values = row.loss.emplace_back();
      for (const int b : allocation::candidates_of(request, pair.second)) {
        values.push_back(interaction_at(table, pair, a, b).value());
      }
    }
  }
  return pairs;
}

/// Effects of activations, on the scale of the effects of weights; only metrics of the network's
/// output have them.
std::vector<std::vector<double>> activation_losses_for(const allocation::AllocationRequest& request,
                                                       const AllocatorRow& row,
                                                       const Measurements& measurements) {
  const auto loss_of = sensitivity::metric(row.metric).activation_loss;
  if (loss_of == nullptr) {
    throw ConfigError(
        "search",
        fmt::format(
            "'{}' measures only weights and cannot choose activation "
            "widths; use {} or auto, or give one --act-bits",
            row.name,
            fmt::join(sensitivity::metrics_with(&sensitivity::Metric::activation_loss), ", ")));
  }
  if (!measurements.activations) {
    throw DataError(
        "search",
        fmt::format(
            "the effects of activations could not be measured: {}; give a single --act-bits",
            measurements.dropped.at("activations")));
  }
  const sensitivity::LossTable& table = loss_of(*measurements.activations);
  std::vector<std::vector<double>> rows;
  const auto candidates = allocation::activation_candidates_of(request);
  for (std::size_t a = 0; a < candidates.size(); ++a) {
    auto& losses = rows.emplace_back();
    // A fixed width, such as a network input's, was not measured and does not matter.
    const bool chosen = candidates[a].size() > 1;
    for (const int width : candidates[a]) {
      losses.push_back(chosen ? loss_at(table, a, width).value() : 0.0);
    }
  }
  return rows;
}

}  // namespace

bool chooses_activations(const RequestOptions& options) {
  return options.activation_candidates.size() > 1;
}

std::string activation_text(const RequestOptions& options) {
  if (options.activation_candidates.empty()) return "float";
  const std::string text = fmt::format("{}", fmt::join(options.activation_candidates, ","));
  const std::string inputs = std::to_string(options.input_bits);
  return text == inputs ? text : fmt::format("{} (inputs {})", text, inputs);
}

allocation::AllocationRequest free_request(const pipeline::Model& model,
                                           const RequestOptions& options) {
  allocation::AllocationRequest request;
  request.layers = pipeline::layer_costs(model);
  request.candidates = options.candidates;
  std::sort(request.candidates.begin(), request.candidates.end());
  if (!options.choices.empty()) {
    request.layer_candidates = layer_candidates(model, options.choices);
  }
  const targets::TargetRow& target = targets::target(options.target);
  request.candidates = targets::supported_widths(target, request.candidates, "every weight");
  for (std::size_t l = 0; l < request.layer_candidates.size(); ++l) {
    request.layer_candidates[l] = targets::supported_widths(
        target, request.layer_candidates[l], fmt::format("layer '{}'", request.layers[l].name));
  }
  request.budget = options.budget;
  request.cost.accounting = options.accounting.value_or(allocation::Accounting::Disk);
  request.activations = pipeline::activation_costs(model);
  request.live_sets = pipeline::live_sets(model);
  request.activation_candidates = options.activation_candidates;
  request.input_bits = options.input_bits;
  request.cost.activation_bits = options.activation_candidates.empty()
                                     ? allocation::kFloatBits
                                     : options.activation_candidates.back();
  request.cost.zero_point_bits =
      rounding::zero_point_bits({.symmetry = options.symmetry, .target = options.target});
  request.float_bytes = model.file_bytes;
  request.integer = options.integer;
  request.seed = options.seed;
  if (options.budget.latency_us && !options.latency_table) {
    throw ConfigError("latency",
                      "a latency budget needs measured times; give --latency-table ('ompq "
                      "latency-table' writes an empty one)");
  }
  if (options.latency_table) {
    request.latency = allocation::read_latency_table(*options.latency_table, request.layers);
    allocation::require_latencies(request);
  }
  return request;
}

allocation::AllocationRequest request_for(const allocation::AllocationRequest& free,
                                          const AllocatorRow& row,
                                          const RequestOptions& options,
                                          const Measurements& measurements) {
  allocation::AllocationRequest request = free;
  const allocation::Scheme scheme = scheme_for(row, options.scheme);
  if (scheme != allocation::Scheme::Free) {
    allocation::apply_scheme(request, scheme);
    // In a comparison, the paper's methods get the same budget in bytes.
    const bool own = options.scheme == allocation::Scheme::Free;
    if (options.accounting || own) request.cost.accounting = free.cost.accounting;
  }
  request.rounding = options.rounding;
  if (chooses_activations(options) && !row.metric.empty()) {
    request.activation_loss = activation_losses_for(request, row, measurements);
  }
  if (!row.metric.empty()) {
    request.loss = losses_for(request, measurements.losses.at(std::string(row.metric)));
  }
  if (row.pairs) request.pairs = pairs_for(request, measurements.pairs);
  if (row.importance) {
    for (const auto& item : allocation::decision_items(request.layers)) {
      request.coefficients.push_back(measurements.importance.coefficients[item.leader]);
    }
  }
  return request;
}

std::vector<int> widths_to_measure(const allocation::AllocationRequest& free,
                                   const RequestOptions& options) {
  std::set<int> widths;
  const auto add = [&](const allocation::AllocationRequest& request) {
    for (std::size_t l = 0; l < request.layers.size(); ++l) {
      const auto candidates = allocation::candidates_of(request, l);
      widths.insert(candidates.begin(), candidates.end());
    }
  };
  if (options.scheme == allocation::Scheme::Free) {
    add(free);
  } else {
    allocation::AllocationRequest schemed = free;
    allocation::apply_scheme(schemed, options.scheme);
    add(schemed);
  }
  widths.erase(allocation::kFloatBits);
  return {widths.begin(), widths.end()};
}

std::vector<std::vector<double>> losses_for(const allocation::AllocationRequest& request,
                                            const sensitivity::LossTable& table) {
  std::vector<std::vector<double>> rows;
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    auto& row = rows.emplace_back();
    for (const int width : allocation::candidates_of(request, l)) {
      const auto loss = loss_at(table, l, width);
      if (!loss) throw InternalError("search", fmt::format("width {} was not measured", width));
      row.push_back(*loss);
    }
  }
  return rows;
}

std::optional<double> predicted_loss(const sensitivity::LossTable& table,
                                     const std::vector<int>& weight_bits) {
  double sum = 0;
  for (std::size_t l = 0; l < weight_bits.size(); ++l) {
    const auto loss = loss_at(table, l, weight_bits[l]);
    if (!loss) return std::nullopt;
    sum += *loss;
  }
  return sum;
}

std::optional<double> predicted_interaction(const sensitivity::PairwiseTable& table,
                                            const std::vector<int>& weight_bits) {
  double sum = 0;
  for (const sensitivity::PairLoss& pair : table.pairs) {
    const auto added =
        interaction_at(table, pair, weight_bits[pair.first], weight_bits[pair.second]);
    if (!added) return std::nullopt;
    sum += *added;
  }
  return sum;
}

bool has_candidates_only(const allocation::AllocationRequest& request,
                         const allocation::Allocation& allocation) {
  return std::ranges::all_of(
      allocation::decision_items(request.layers), [&](const allocation::DecisionItem& item) {
        const std::vector<int> widths = allocation::candidates_of(request, item.leader);
        return std::ranges::find(widths, allocation.weight_bits[item.leader]) != widths.end();
      });
}

}  // namespace ompq::search

#include "ompq/allocation/decision_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "ompq/allocation/latency_csv.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

constexpr std::ptrdiff_t kFixed = -1;

bool is_peak(const Constraint& constraint) {
  return constraint.quantity == Quantity::ActivationBytes;
}

/// True if a layer's cost depends jointly on its weight width and its input's width.
bool is_joint(Quantity quantity) {
  return quantity == Quantity::Bops || quantity == Quantity::LatencyNs;
}

std::int64_t float_size(const AllocationRequest& request) {
  if (request.cost.accounting == Accounting::Paper) {
    std::int64_t parameters = 0;
    for (const LayerCost& layer : request.layers) parameters += paper_parameters(layer);
    return 4 * parameters;
  }
  if (request.float_bytes > 0) return request.float_bytes;
  throw ConfigError("allocation",
                    "a compression budget needs the size of the float network; give a size in "
                    "bytes or use the accounting 'paper'");
}

void require_latency_table(const AllocationRequest& request) {
  if (request.latency.empty()) {
    throw ConfigError("allocation", "a latency budget needs a table of measured times");
  }
  require_latencies(request);
}

std::int64_t tensor_bytes(const AllocationRequest& request, std::size_t tensor, int width) {
  return activation_bytes(request.activations[tensor], width);
}

/// The maximum by which the bytes of `a` can exceed those of `b`: tensors only in `a` at their
/// widest, tensors only in `b` at their narrowest.
std::int64_t greatest_excess(const AllocationRequest& request,
                             const std::vector<std::vector<int>>& widths,
                             const LiveSet& a,
                             const LiveSet& b) {
  const auto holds = [](const LiveSet& moment, std::size_t t) {
    const auto& all = moment.activations;
    return std::find(all.begin(), all.end(), t) != all.end();
  };
  std::int64_t excess = a.fixed_bytes - b.fixed_bytes;
  for (const std::size_t t : a.activations) {
    if (!holds(b, t)) excess += tensor_bytes(request, t, widths[t].back());
  }
  for (const std::size_t t : b.activations) {
    if (!holds(a, t)) excess -= tensor_bytes(request, t, widths[t].front());
  }
  return excess;
}

/// The live sets that can be the peak for some choice of widths; the first of equal ones.
std::vector<LiveSet> decisive_moments(const AllocationRequest& request,
                                      const std::vector<std::vector<int>>& widths) {
  const auto& all = request.live_sets;
  std::vector<bool> dropped(all.size(), false);
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = 0; b < all.size() && !dropped[a]; ++b) {
      if (a == b || dropped[b]) continue;
      dropped[a] = greatest_excess(request, widths, all[a], all[b]) <= 0;
    }
  }
  std::vector<LiveSet> decisive;
  for (std::size_t a = 0; a < all.size(); ++a) {
    if (!dropped[a]) decisive.push_back(all[a]);
  }
  return decisive;
}

void require_live_sets(const AllocationRequest& request) {
  if (request.live_sets.empty()) {
    throw ConfigError("allocation", "a budget for activations needs live sets");
  }
  for (const LiveSet& moment : request.live_sets) {
    for (const std::size_t t : moment.activations) {
      if (t < request.activations.size()) continue;
      throw ConfigError(
          "allocation",
          fmt::format("a live set refers to activation {} of {}", t, request.activations.size()));
    }
  }
}

/// Builds a model step by step.
class ModelBuilder {
 public:
  explicit ModelBuilder(const AllocationRequest& request) : request_(request) {
    validate(request.budget);
    model_.groups = decision_items(request.layers);
    layer_widths_ = candidates_of(request);
    for (const DecisionItem& group : model_.groups) {
      model_.group_widths.push_back(layer_widths_[group.leader]);
    }
    model_.tensor_widths = activation_candidates_of(request);
    model_.fixed_activations = fixed_activation_bits(request);
  }

  DecisionModel build() {
    add_constraints();
    add_decisions();
    for (std::size_t k = 0; k < model_.constraints.size(); ++k) {
      if (is_peak(model_.constraints[k])) continue;
      for (std::size_t g = 0; g < model_.groups.size(); ++g) add_group(k, g);
    }
    add_moments();
    for (auto& [key, coupling] : couplings_) model_.couplings.push_back(std::move(coupling));
    note_restrictions();
    return std::move(model_);
  }

 private:
  void add_constraint(Quantity quantity, double limit, std::int64_t base = 0) {
    Constraint constraint;
    constraint.quantity = quantity;
    constraint.limit = whole_limit(limit);
    constraint.base = base;
    model_.constraints.push_back(constraint);
  }

  void add_constraints() {
    const Budget& budget = request_.budget;
    const CostOptions& cost = request_.cost;
    const std::int64_t fixed = cost.accounting == Accounting::Disk ? 8 * cost.fixed_bytes : 0;
    if (budget.bytes) {
      add_constraint(Quantity::SizeBits, 8 * static_cast<double>(*budget.bytes), fixed);
    }
    if (budget.compression) {
      const double bytes = static_cast<double>(float_size(request_)) / *budget.compression;
      add_constraint(Quantity::SizeBits, 8 * std::floor(bytes), fixed);
    }
    if (budget.average_bits) {
      const std::int64_t weights = quantized_weights();
      add_constraint(Quantity::WeightBits, *budget.average_bits * static_cast<double>(weights));
      model_.constraints.back().weights = weights;
    }
    if (budget.bops) add_constraint(Quantity::Bops, *budget.bops);
    if (budget.weight_bytes) {
      add_constraint(Quantity::WeightBytes, static_cast<double>(*budget.weight_bytes));
    }
    if (budget.latency_us) {
      require_latency_table(request_);
      add_constraint(Quantity::LatencyNs, *budget.latency_us * 1e3);
    }
    if (!budget.activation_bytes) return;
    require_live_sets(request_);
    moments_ = decisive_moments(request_, model_.tensor_widths);
    for (const LiveSet& moment : moments_) {
      const auto limit = static_cast<double>(*budget.activation_bytes);
      add_constraint(Quantity::ActivationBytes, limit, moment.fixed_bytes);
    }
  }

  [[nodiscard]] std::int64_t quantized_weights() const {
    std::int64_t weights = 0;
    for (std::size_t l = 0; l < request_.layers.size(); ++l) {
      if (layer_widths_[l].front() != kFloatBits) weights += request_.layers[l].weight_count;
    }
    return weights;
  }

  [[nodiscard]] bool has_list(const DecisionItem& group) const {
    return std::any_of(group.layers.begin(), group.layers.end(), [&](std::size_t l) {
      return l < request_.layer_candidates.size() && !request_.layer_candidates[l].empty();
    });
  }

  [[nodiscard]] bool is_fixed(std::size_t group) const {
    if (model_.group_widths[group].size() > 1) return false;
    const bool end = group == 0 || group + 1 == model_.groups.size();
    return has_list(model_.groups[group]) || (end && request_.first_last_bits);
  }

  void add_decisions() {
    for (std::size_t g = 0; g < model_.groups.size(); ++g) {
      model_.group_decision.push_back(is_fixed(g) ? kFixed : std::ssize(model_.decisions));
      if (is_fixed(g)) continue;
      const DecisionItem& group = model_.groups[g];
      add_decision(request_.layers[group.leader].name,
                   Decision::Kind::Weights,
                   g,
                   group.layers.size(),
                   model_.group_widths[g]);
    }
    for (std::size_t t = 0; t < request_.activations.size(); ++t) {
      const auto& widths = model_.tensor_widths[t];
      model_.tensor_decision.push_back(widths.size() == 1 ? kFixed : std::ssize(model_.decisions));
      if (widths.size() == 1) continue;
      add_decision(request_.activations[t].name, Decision::Kind::Activation, t, 1, widths);
    }
    if (request_.layers.empty()) {
      throw ConfigError("layers",
                        "the network has no layer to quantize: no Conv, ConvTranspose, Gemm or "
                        "MatMul with a constant weight; 'ompq inspect' lists what stays float");
    }
  }

  void add_decision(const std::string& name,
                    Decision::Kind kind,
                    std::size_t index,
                    std::size_t layers,
                    const std::vector<int>& widths) {
    Decision decision{name, kind, index, layers, widths, {}, {}};
    decision.values.assign(widths.size(), 0.0);
    decision.costs.assign(model_.constraints.size(), std::vector<std::int64_t>(widths.size(), 0));
    model_.decisions.push_back(std::move(decision));
  }

  /// The cost of a layer in constraint k at a pair of widths; `missing` if a table lacks it.
  [[nodiscard]] std::int64_t layer_cost(std::size_t k,
                                        std::size_t l,
                                        int weight_bits,
                                        int activation_bits,
                                        std::int64_t missing = 0) const {
    const LayerCost& layer = request_.layers[l];
    switch (model_.constraints[k].quantity) {
      case Quantity::SizeBits:
        return size_bits(layer, weight_bits, request_.cost);
      case Quantity::WeightBits:
        return weight_bits == kFloatBits ? 0 : layer.weight_count * weight_bits;
      case Quantity::Bops:
        return bit_operations(layer, weight_bits, activation_bits, request_.cost.mac_count);
      case Quantity::WeightBytes:
        return weight_bytes(layer, weight_bits);
      case Quantity::LatencyNs:
        return request_.latency.nanoseconds(l, weight_bits, activation_bits).value_or(missing);
      case Quantity::ActivationBytes:
        return 0;
    }
    throw InternalError("allocation", "unknown quantity");
  }

  /// The candidate widths of a layer's input.
  [[nodiscard]] std::vector<int> read_widths(std::size_t l) const {
    const std::int32_t tensor = request_.layers[l].activation;
    if (tensor == kNoActivation) return {model_.fixed_activations[l]};
    return model_.tensor_widths[static_cast<std::size_t>(tensor)];
  }

  void add_group(std::size_t k, std::size_t g) {
    for (const std::size_t l : model_.groups[g].layers) {
      const std::int32_t tensor = request_.layers[l].activation;
      const std::ptrdiff_t reads = tensor == kNoActivation
                                       ? kFixed
                                       : model_.tensor_decision[static_cast<std::size_t>(tensor)];
      if (reads == kFixed || !is_joint(model_.constraints[k].quantity)) {
        add_weights(k, g, l, read_widths(l).front());
      } else {
        add_joint(k, g, l, static_cast<std::size_t>(reads));
      }
    }
  }

  void add_weights(std::size_t k, std::size_t g, std::size_t l, int activation_bits) {
    const auto& widths = model_.group_widths[g];
    const std::ptrdiff_t d = model_.group_decision[g];
    if (d == kFixed) {
      model_.constraints[k].base += layer_cost(k, l, widths.front(), activation_bits);
      return;
    }
    auto& costs = model_.decisions[static_cast<std::size_t>(d)].costs[k];
    for (std::size_t j = 0; j < widths.size(); ++j) {
      costs[j] += layer_cost(k, l, widths[j], activation_bits);
    }
  }

  void add_joint(std::size_t k, std::size_t g, std::size_t l, std::size_t tensor_decision) {
    const std::ptrdiff_t d = model_.group_decision[g];
    const std::vector<int>& weights = model_.group_widths[g];
    Decision& tensor = model_.decisions[tensor_decision];
    if (d == kFixed) {
      for (std::size_t j = 0; j < tensor.widths.size(); ++j) {
        tensor.costs[k][j] += layer_cost(k, l, weights.front(), tensor.widths[j]);
      }
      return;
    }
    Coupling& coupling = couplings_[{static_cast<std::size_t>(d), tensor_decision}];
    coupling.first = static_cast<std::size_t>(d);
    coupling.second = tensor_decision;
    coupling.costs.resize(model_.constraints.size());
    auto& costs = coupling.costs[k];
    costs.resize(weights.size() * tensor.widths.size(), 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = 0; j < tensor.widths.size(); ++j) {
        costs[i * tensor.widths.size() + j] += layer_cost(k, l, weights[i], tensor.widths[j]);
      }
    }
  }

  void add_moments() {
    std::size_t moment = 0;
    for (std::size_t k = 0; k < model_.constraints.size(); ++k) {
      if (!is_peak(model_.constraints[k])) continue;
      for (const std::size_t t : moments_[moment].activations) {
        const auto& widths = model_.tensor_widths[t];
        const std::ptrdiff_t d = model_.tensor_decision[t];
        if (d == kFixed) {
          model_.constraints[k].base += tensor_bytes(request_, t, widths.front());
          continue;
        }
        auto& costs = model_.decisions[static_cast<std::size_t>(d)].costs[k];
        for (std::size_t j = 0; j < widths.size(); ++j) {
          costs[j] += tensor_bytes(request_, t, widths[j]);
        }
      }
      ++moment;
    }
  }

  /// The smallest cost of a layer in constraint k over `widths`; nullopt if it is unknown.
  [[nodiscard]] std::int64_t min_cost(std::size_t k,
                                      std::size_t l,
                                      const std::vector<int>& widths) const {
    constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
    std::int64_t min = kUnknown;
    for (const int w : widths) {
      for (const int a : read_widths(l)) min = std::min(min, layer_cost(k, l, w, a, kUnknown));
    }
    return min;
  }

  /// The increase of the least possible cost by candidate lists of single layers and
  /// first_last_bits.
  void note_restrictions() {
    for (std::size_t k = 0; k < model_.constraints.size(); ++k) {
      Constraint& constraint = model_.constraints[k];
      std::int64_t max = 0;
      for (std::size_t l = 0; l < request_.layers.size() && !is_peak(constraint); ++l) {
        if (layer_widths_[l] == request_.candidates) continue;
        const std::int64_t common = min_cost(k, l, request_.candidates);
        if (common == std::numeric_limits<std::int64_t>::max()) continue;
        const std::int64_t more = min_cost(k, l, layer_widths_[l]) - common;
        constraint.restricted += std::max<std::int64_t>(more, 0);
        if (more > max) max = more, constraint.most_restricted = request_.layers[l].name;
      }
    }
  }

  const AllocationRequest& request_;
  DecisionModel model_;
  std::vector<std::vector<int>> layer_widths_;
  std::vector<LiveSet> moments_;
  std::map<std::pair<std::size_t, std::size_t>, Coupling> couplings_;
};

}  // namespace

DecisionModel make_model(const AllocationRequest& request) { return ModelBuilder(request).build(); }

std::vector<std::int64_t> costs_of(const DecisionModel& model, const DecisionChoice& choice) {
  std::vector<std::int64_t> costs;
  for (const Constraint& constraint : model.constraints) costs.push_back(constraint.base);
  for (std::size_t k = 0; k < costs.size(); ++k) {
    for (std::size_t d = 0; d < choice.size(); ++d) {
      costs[k] += model.decisions[d].costs[k][choice[d]];
    }
    for (const Coupling& coupling : model.couplings) {
      if (coupling.costs[k].empty()) continue;
      const std::size_t columns = model.decisions[coupling.second].widths.size();
      costs[k] += coupling.costs[k][choice[coupling.first] * columns + choice[coupling.second]];
    }
  }
  return costs;
}

bool fits(const DecisionModel& model, const std::vector<std::int64_t>& costs) {
  for (std::size_t k = 0; k < costs.size(); ++k) {
    if (costs[k] > model.constraints[k].limit) return false;
  }
  return true;
}

DecisionChoice choice_of(const DecisionModel& model,
                         const AllocationRequest& request,
                         const Allocation& allocation) {
  if (allocation.weight_bits.size() != request.layers.size() ||
      allocation.tensor_bits.size() != request.activations.size()) {
    throw ShapeError(
        "allocation",
        fmt::format("an allocation has {} layers and {} activations, but the model has {} and {}",
                    allocation.weight_bits.size(),
                    allocation.tensor_bits.size(),
                    request.layers.size(),
                    request.activations.size()));
  }
  DecisionChoice choice;
  for (const Decision& decision : model.decisions) {
    const int bits = decision.kind == Decision::Kind::Weights
                         ? allocation.weight_bits[model.groups[decision.index].leader]
                         : allocation.tensor_bits[decision.index];
    const auto found = std::find(decision.widths.begin(), decision.widths.end(), bits);
    if (found == decision.widths.end()) {
      throw ConfigError("allocation",
                        fmt::format("{} bits is not a candidate of '{}'", bits, decision.name));
    }
    choice.push_back(static_cast<std::size_t>(found - decision.widths.begin()));
  }
  return choice;
}

Allocation make_allocation(const AllocationRequest& request,
                           const DecisionModel& model,
                           const DecisionChoice& choice,
                           Solution solution) {
  const auto chosen = [&](std::ptrdiff_t decision, const std::vector<int>& widths) {
    return decision == kFixed ? widths.front() : widths[choice[static_cast<std::size_t>(decision)]];
  };
  Allocation allocation;
  allocation.weight_bits.assign(request.layers.size(), 0);
  allocation.activation_bits = model.fixed_activations;
  for (std::size_t t = 0; t < model.tensor_widths.size(); ++t) {
    allocation.tensor_bits.push_back(chosen(model.tensor_decision[t], model.tensor_widths[t]));
  }
  for (std::size_t g = 0; g < model.groups.size(); ++g) {
    for (const std::size_t l : model.groups[g].layers) {
      allocation.weight_bits[l] = chosen(model.group_decision[g], model.group_widths[g]);
      const std::int32_t tensor = request.layers[l].activation;
      if (tensor == kNoActivation) continue;
      allocation.activation_bits[l] = allocation.tensor_bits[static_cast<std::size_t>(tensor)];
    }
  }
  allocation.cost = cost_of_widths(
      request, allocation.weight_bits, allocation.activation_bits, allocation.tensor_bits);
  allocation.solution = std::move(solution);
  return allocation;
}

}  // namespace ompq::allocation

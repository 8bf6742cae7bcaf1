#include "allocation/random_requests.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ompq::testing {
namespace {

using namespace allocation;

void add_layers(AllocationRequest& request, const RequestRecipe& recipe, Random& random) {
  for (std::size_t l = 0; l < recipe.layers; ++l) {
    LayerCost layer;
    layer.name = "layer" + std::to_string(l);
    layer.weight_count = static_cast<std::int64_t>(std::exp(5 + 5 * random.uniform()));
    layer.bias_count = layer.out_channels = 1 + static_cast<std::int64_t>(random.below(30));
    layer.macs = layer.weight_count * static_cast<std::int64_t>(1 + random.below(100));
    layer.output_elements = 10 * layer.out_channels;
    if (recipe.ties && l > 0 && random.below(3) == 0) {
      const std::ptrdiff_t before = std::ssize(request.layers) - 1;
      const std::ptrdiff_t leader = request.layers[static_cast<std::size_t>(before)].tied_to;
      layer.tied_to = leader == kUntied ? before : leader;
    }
    request.layers.push_back(layer);
  }
}

void add_activations(AllocationRequest& request, Random& random) {
  request.activation_candidates = {4, 8};
  if (random.below(2) == 0) request.activation_candidates = {2, 4, kFloatBits};
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const bool shared = l > 0 && random.below(3) == 0;
    if (random.below(5) == 0) continue;  // reads a tensor of the common width
    if (!shared || request.activations.empty()) {
      request.activations.push_back({"tensor" + std::to_string(request.activations.size()),
                                     1 + static_cast<std::int64_t>(random.below(5000)),
                                     {}});
      if (random.below(4) == 0) request.activations.back().candidates = {8};
    }
    request.layers[l].activation = static_cast<std::int32_t>(request.activations.size()) - 1;
  }
  for (std::size_t t = 0; t < request.activations.size(); ++t) {
    LiveSet moment{{t}, static_cast<std::int64_t>(random.below(500))};
    if (t > 0) moment.activations.push_back(t - 1);
    request.live_sets.push_back(moment);
  }
}

void add_lists(AllocationRequest& request, Random& random) {
  request.layer_candidates.resize(request.layers.size());
  const std::vector<std::vector<int>> lists{{8}, {kFloatBits}, {2, 8}, {3, 4, 5}, {4}};
  for (std::size_t l = 0; l + 1 < request.layers.size(); ++l) {
    const bool tied = request.layers[l].tied_to != kUntied;
    if (!tied && random.below(2) == 0) {
      request.layer_candidates[l] = lists[random.below(lists.size())];
    }
  }
}

std::vector<double> losses(const std::vector<int>& widths, Random& random) {
  std::vector<double> row;
  const double level = std::exp(5 * random.uniform());
  for (const int width : widths) {
    row.push_back(level * std::pow(0.3, width) * (0.5 + random.uniform()));
  }
  return row;
}

void add_latency(AllocationRequest& request, Random& random) {
  const auto tensors = activation_candidates_of(request);
  const auto weights = candidates_of(request);
  const auto fixed = fixed_activation_bits(request);
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    auto& entries = request.latency.layers.emplace_back();
    const std::int32_t tensor = request.layers[l].activation;
    const std::vector<int> reads = tensor == kNoActivation
                                       ? std::vector<int>{fixed[l]}
                                       : tensors[static_cast<std::size_t>(tensor)];
    for (const int w : weights[l]) {
      for (const int a : reads) {
        entries.push_back({w, a, static_cast<std::int64_t>(1000 + random.below(9000))});
      }
    }
  }
}

/// Between the least and the most that any choice costs.
template <typename Of>
double between(const AllocationRequest& request, Random& random, Of of) {
  double min = HUGE_VAL;
  double max = 0;
  for_each_choice(request, [&](const auto& weights, const auto& tensors) {
    const double cost =
        of(cost_of_widths(request, weights, activation_bits_of(request, tensors), tensors));
    min = std::min(min, cost);
    max = std::max(max, cost);
  });
  return min + (max - min) * (0.2 + 0.7 * random.uniform());
}

void add_budgets(AllocationRequest& request, const RequestRecipe& recipe, Random& random) {
  Budget budget;
  budget.bytes = static_cast<std::int64_t>(
      between(request, random, [](const Cost& c) { return static_cast<double>(c.bytes); }));
  if (recipe.budgets > 1) {
    budget.bops =
        between(request, random, [](const Cost& c) { return static_cast<double>(c.bops); });
  }
  if (recipe.budgets > 2) {
    budget.average_bits = between(request, random, [](const Cost& c) { return c.average_bits; });
    budget.weight_bytes = static_cast<std::int64_t>(between(
        request, random, [](const Cost& c) { return static_cast<double>(c.weight_bytes); }));
  }
  if (recipe.budgets > 3) {
    add_latency(request, random);
    budget.latency_us = between(request, random, [](const Cost& c) { return *c.latency_us; });
  }
  if (recipe.activations && !request.live_sets.empty() && random.below(2) == 0) {
    budget.activation_bytes = static_cast<std::int64_t>(between(
        request, random, [](const Cost& c) { return static_cast<double>(*c.activation_bytes); }));
  }
  request.budget = budget;
}

std::size_t index_of(const std::vector<int>& widths, int width) {
  return static_cast<std::size_t>(std::find(widths.begin(), widths.end(), width) - widths.begin());
}

}  // namespace

AllocationRequest random_request(const RequestRecipe& recipe, Random& random) {
  AllocationRequest request;
  request.candidates = {2, 4, 8};
  request.cost.fixed_bytes = static_cast<std::int64_t>(random.below(100));
  add_layers(request, recipe, random);
  if (recipe.own_lists) add_lists(request, random);
  if (recipe.activations) add_activations(request, random);
  const auto weights = candidates_of(request);
  for (const auto& widths : weights) {
    request.loss.push_back(widths.size() == 1 ? std::vector<double>{} : losses(widths, random));
  }
  for (const auto& widths : activation_candidates_of(request)) {
    request.activation_loss.push_back(losses(widths, random));
  }
  for (std::size_t l = 0; recipe.pairs && l + 1 < request.layers.size(); ++l) {
    PairLoss pair{l, l + 1 + random.below(request.layers.size() - l - 1), {}};
    if (random.below(2) == 0) std::swap(pair.first, pair.second);
    for (std::size_t i = 0; i < weights[pair.first].size(); ++i) {
      auto& row = pair.loss.emplace_back();
      for (std::size_t j = 0; j < weights[pair.second].size(); ++j) row.push_back(random.normal());
    }
    request.pairs.push_back(pair);
  }
  add_budgets(request, recipe, random);
  return request;
}

void for_each_choice(
    const AllocationRequest& request,
    const std::function<void(const std::vector<int>&, const std::vector<int>&)>& visit) {
  const auto groups = decision_items(request.layers);
  const auto weights = candidates_of(request);
  std::vector<std::vector<int>> lists;
  for (const DecisionItem& group : groups) lists.push_back(weights[group.leader]);
  for (const auto& widths : activation_candidates_of(request)) lists.push_back(widths);
  std::vector<std::size_t> at(lists.size(), 0);
  while (true) {
    std::vector<int> weight_bits(request.layers.size());
    std::vector<int> tensor_bits;
    for (std::size_t d = 0; d < lists.size(); ++d) {
      const int width = lists[d][at[d]];
      if (d >= groups.size()) {
        tensor_bits.push_back(width);
        continue;
      }
      for (const std::size_t l : groups[d].layers) weight_bits[l] = width;
    }
    visit(weight_bits, tensor_bits);
    std::size_t d = 0;
    while (d < at.size() && ++at[d] == lists[d].size()) at[d++] = 0;
    if (d == at.size()) return;
  }
}

std::vector<int> activation_bits_of(const AllocationRequest& request,
                                    const std::vector<int>& tensor_bits) {
  std::vector<int> bits = fixed_activation_bits(request);
  for (std::size_t l = 0; l < bits.size(); ++l) {
    const std::int32_t tensor = request.layers[l].activation;
    if (tensor != kNoActivation) bits[l] = tensor_bits[static_cast<std::size_t>(tensor)];
  }
  return bits;
}

bool holds(const AllocationRequest& request, const Cost& cost) {
  const Budget& budget = request.budget;
  return (!budget.bytes || cost.bytes <= *budget.bytes) &&
         (!budget.average_bits || cost.average_bits <= *budget.average_bits * (1 + 1e-12)) &&
         (!budget.bops || static_cast<double>(cost.bops) <= *budget.bops * (1 + 1e-12)) &&
         (!budget.weight_bytes || cost.weight_bytes <= *budget.weight_bytes) &&
         (!budget.activation_bytes || *cost.activation_bytes <= *budget.activation_bytes) &&
         (!budget.latency_us || *cost.latency_us <= *budget.latency_us * (1 + 1e-12));
}

double loss_of(const AllocationRequest& request,
               const std::vector<int>& weight_bits,
               const std::vector<int>& tensor_bits,
               bool with_pairs) {
  const auto weights = candidates_of(request);
  const auto tensors = activation_candidates_of(request);
  double loss = 0;
  for (std::size_t l = 0; l < weight_bits.size(); ++l) {
    if (weights[l].size() > 1) loss += request.loss[l][index_of(weights[l], weight_bits[l])];
  }
  for (std::size_t t = 0; t < tensor_bits.size(); ++t) {
    if (tensors[t].size() > 1) {
      loss += request.activation_loss[t][index_of(tensors[t], tensor_bits[t])];
    }
  }
  for (const PairLoss& pair : request.pairs) {
    if (!with_pairs || (weights[pair.first].size() == 1 && weights[pair.second].size() == 1)) {
      continue;
    }
    loss += pair.loss[index_of(weights[pair.first], weight_bits[pair.first])]
                     [index_of(weights[pair.second], weight_bits[pair.second])];
  }
  return loss;
}

std::optional<double> min_loss(const AllocationRequest& request, bool with_pairs) {
  std::optional<double> min;
  for_each_choice(request, [&](const auto& weights, const auto& tensors) {
    const Cost cost =
        cost_of_widths(request, weights, activation_bits_of(request, tensors), tensors);
    if (!holds(request, cost)) return;
    const double loss = loss_of(request, weights, tensors, with_pairs);
    if (!min || loss < *min) min = loss;
  });
  return min;
}

}  // namespace ompq::testing

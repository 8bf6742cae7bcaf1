#include "ompq/allocation/request.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/bit_width.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

bool is_width(int bits) { return bits >= kMinBits && bits <= kMaxBits; }

bool ascends(const std::vector<int>& widths) {
  return std::is_sorted(widths.begin(), widths.end(), std::less_equal<>());
}

[[noreturn]] void refuse_widths(std::string_view whose,
                                const std::vector<int>& widths,
                                std::string_view besides) {
  throw ConfigError("allocation",
                    fmt::format("candidate widths '{}'{} must be ascending and in {}..{}{}",
                                fmt::join(widths, ","),
                                whose,
                                kMinBits,
                                kMaxBits,
                                besides));
}

void require_weight_widths(const std::vector<int>& widths, const std::string& layer) {
  if (widths.empty()) return;
  const bool excluded = widths == std::vector<int>{kFloatBits};
  if (excluded || (ascends(widths) && std::all_of(widths.begin(), widths.end(), is_width))) return;
  refuse_widths(fmt::format(" of layer '{}'", layer), widths, ", or be only float");
}

void require_activation_widths(const std::vector<int>& widths, const std::string& whose) {
  const bool in_range = std::all_of(
      widths.begin(), widths.end(), [](int w) { return is_width(w) || w == kFloatBits; });
  if (in_range && ascends(widths)) return;
  refuse_widths(whose, widths, ", with float last");
}

void require_common(const std::vector<int>& candidates) {
  const bool in_range = std::all_of(candidates.begin(), candidates.end(), is_width);
  if (!candidates.empty() && in_range && ascends(candidates)) return;
  refuse_widths("", candidates, "");
}

std::vector<int> common_widths(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

/// "'2,3' of layer 'a'"
std::string describe_list(const AllocationRequest& request, std::size_t layer) {
  const std::vector<int>& list = request.layer_candidates[layer];
  return fmt::format("{} for '{}'",
                     list.front() == kFloatBits ? "float" : fmt::format("{}", fmt::join(list, ",")),
                     request.layers[layer].name);
}

/// The intersection of the lists of tied layers; empty if none has a list.
std::vector<int> own_list(const AllocationRequest& request, const DecisionItem& group) {
  std::vector<int> own;
  std::size_t first = 0;
  for (const std::size_t l : group.layers) {
    const std::vector<int>& list = request.layer_candidates[l];
    if (list.empty()) continue;
    if (own.empty()) {
      own = list, first = l;
      continue;
    }
    own = common_widths(own, list);
    if (!own.empty()) continue;
    throw ConfigError(
        "allocation",
        fmt::format(
            "tied layers need a common candidate width, but have {} and {}; change one of the two",
            describe_list(request, first),
            describe_list(request, l)));
  }
  return own;
}

void require_table_sizes(const AllocationRequest& request) {
  require_common(request.candidates);
  if (!request.layer_candidates.empty() &&
      request.layer_candidates.size() != request.layers.size()) {
    throw ConfigError("allocation",
                      fmt::format("there are {} lists of candidates for {} layers",
                                  request.layer_candidates.size(),
                                  request.layers.size()));
  }
  for (std::size_t l = 0; l < request.layer_candidates.size(); ++l) {
    require_weight_widths(request.layer_candidates[l], request.layers[l].name);
  }
  if (request.first_last_bits && !is_width(*request.first_last_bits)) {
    refuse_widths(" of first and last layer", {*request.first_last_bits}, "");
  }
  for (const LayerCost& layer : request.layers) {
    if (layer.activation >= kNoActivation && layer.activation < std::ssize(request.activations)) {
      continue;
    }
    throw ConfigError("allocation",
                      fmt::format("layer '{}' reads activation {} of {}",
                                  layer.name,
                                  layer.activation,
                                  request.activations.size()));
  }
}

/// The readers of a tensor.
struct Readers {
  bool any = false;
  bool quantized = false;      ///< a layer that is not excluded
  bool first_or_last = false;  ///< a layer of the first or last decision
};

std::vector<Readers> readers_of(const AllocationRequest& request) {
  std::vector<Readers> readers(request.activations.size());
  const auto candidates = candidates_of(request);
  const auto groups = decision_items(request.layers);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::size_t l : groups[g].layers) {
      if (request.layers[l].activation == kNoActivation) continue;
      Readers& tensor = readers[static_cast<std::size_t>(request.layers[l].activation)];
      tensor.any = true;
      tensor.quantized = tensor.quantized || candidates[l].front() != kFloatBits;
      tensor.first_or_last = tensor.first_or_last || g == 0 || g + 1 == groups.size();
    }
  }
  return readers;
}

}  // namespace

std::vector<std::vector<int>> candidates_of(const AllocationRequest& request) {
  require_table_sizes(request);
  std::vector<std::vector<int>> candidates(request.layers.size());
  const auto groups = decision_items(request.layers);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<int> widths;
    if (!request.layer_candidates.empty()) widths = own_list(request, groups[g]);
    if (widths.empty() && request.first_last_bits && (g == 0 || g + 1 == groups.size())) {
      widths = {*request.first_last_bits};
    }
    if (widths.empty()) widths = request.candidates;
    for (const std::size_t l : groups[g].layers) candidates[l] = widths;
  }
  return candidates;
}

std::vector<int> candidates_of(const AllocationRequest& request, std::size_t layer) {
  return candidates_of(request).at(layer);
}

std::vector<std::vector<int>> activation_candidates_of(const AllocationRequest& request) {
  std::vector<int> common = request.activation_candidates;
  if (common.empty()) common = {request.cost.activation_bits};
  require_activation_widths(common, " of activations");
  const bool all_float = common == std::vector<int>{kFloatBits};
  const std::vector<Readers> readers = readers_of(request);
  std::vector<std::vector<int>> candidates;
  for (std::size_t t = 0; t < request.activations.size(); ++t) {
    const ActivationCost& tensor = request.activations[t];
    require_activation_widths(tensor.candidates, fmt::format(" of activation '{}'", tensor.name));
    if (!tensor.candidates.empty()) {
      candidates.push_back(tensor.candidates);
    } else if (readers[t].any && !readers[t].quantized) {
      candidates.push_back({kFloatBits});
    } else if (request.first_last_bits && readers[t].first_or_last && !all_float) {
      candidates.push_back({*request.first_last_bits});
    } else if (request.input_bits && tensor.network_input && !all_float) {
      candidates.push_back({*request.input_bits});
    } else {
      candidates.push_back(common);
    }
  }
  return candidates;
}

bool leaves_a_choice(const AllocationRequest& request) {
  const auto is_open = [](const std::vector<int>& widths) { return widths.size() != 1; };
  if (std::ranges::any_of(candidates_of(request), is_open)) return true;
  return std::ranges::any_of(activation_candidates_of(request), is_open);
}

std::vector<int> fixed_activation_bits(const AllocationRequest& request) {
  const auto candidates = candidates_of(request);
  const auto groups = decision_items(request.layers);
  const bool all_float = request.cost.activation_bits == kFloatBits;
  std::vector<int> bits(request.layers.size(), request.cost.activation_bits);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const bool first_or_last = g == 0 || g + 1 == groups.size();
    for (const std::size_t l : groups[g].layers) {
      if (request.first_last_bits && first_or_last && !all_float)
        bits[l] = *request.first_last_bits;
      const bool stays_float = candidates[l].front() == kFloatBits || request.layers[l].float_input;
      if (stays_float) bits[l] = kFloatBits;
    }
  }
  return bits;
}

std::vector<int> widest_activation_bits(const AllocationRequest& request) {
  const auto candidates = activation_candidates_of(request);
  std::vector<int> widths = fixed_activation_bits(request);
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const std::int32_t tensor = request.layers[l].activation;
    if (tensor != kNoActivation) widths[l] = candidates[static_cast<std::size_t>(tensor)].back();
  }
  return widths;
}

std::int64_t peak_activation_bytes(std::span<const LiveSet> live_sets,
                                   std::span<const ActivationCost> activations,
                                   std::span<const int> tensor_bits) {
  std::int64_t peak = 0;
  for (const LiveSet& moment : live_sets) {
    std::int64_t bytes = moment.fixed_bytes;
    for (const std::size_t t : moment.activations) {
      bytes += activation_bytes(activations[t], tensor_bits[t]);
    }
    peak = std::max(peak, bytes);
  }
  return peak;
}

Cost cost_of_widths(const AllocationRequest& request,
                    std::span<const int> weight_bits,
                    std::span<const int> activation_bits,
                    std::span<const int> tensor_bits) {
  Cost cost = total_cost(request.layers, weight_bits, activation_bits, request.cost);
  if (tensor_bits.size() != request.activations.size()) {
    throw ShapeError("allocation",
                     fmt::format("there are {} activations, but {} widths for them",
                                 request.activations.size(),
                                 tensor_bits.size()));
  }
  if (!request.live_sets.empty()) {
    cost.activation_bytes =
        peak_activation_bytes(request.live_sets, request.activations, tensor_bits);
  }
  if (request.latency.empty()) return cost;
  std::int64_t total = 0;
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const auto time = request.latency.nanoseconds(l, weight_bits[l], activation_bits[l]);
    if (!time) return cost;  // the table lacks these widths
    total += *time;
  }
  cost.latency_us = static_cast<double>(total) / 1e3;
  return cost;
}

}  // namespace ompq::allocation

#include "ompq/sensitivity/pairwise.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/metric.h"
#include "ompq/sensitivity/output_loss.h"
#include "ompq/sensitivity/walk.h"

namespace ompq::sensitivity {
namespace {

using State = runtime::Executor::State;

struct Pair {
  std::size_t first;
  std::size_t second;
};

/// Pairs within blocks, closest layers first.
std::vector<Pair> pairs_of(const graph::Discovery& discovery, const std::vector<bool>& owns) {
  std::vector<Pair> pairs;
  for (const graph::Block& block : discovery.blocks) {
    for (const graph::LayerId first : block.layers) {
      for (const graph::LayerId second : block.layers) {
        const Pair pair{static_cast<std::size_t>(first), static_cast<std::size_t>(second)};
        if (first < second && owns[pair.first] && owns[pair.second]) pairs.push_back(pair);
      }
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tuple(a.second - a.first, a.first) < std::tuple(b.second - b.first, b.first);
  });
  return pairs;
}

/// The smallest width and the one nearest to 4.
std::vector<BitWidth> usual_widths(const std::vector<BitWidth>& widths) {
  const auto nearest = std::min_element(widths.begin(), widths.end(), [](BitWidth a, BitWidth b) {
    return std::abs(a.value() - 4) < std::abs(b.value() - 4);
  });
  return sorted_widths({widths.front(), *nearest});
}

PairwiseOptions checked(PairwiseOptions options) {
  const Metric* row = metric_rows().find(options.metric);
  if (row == nullptr || row->output_loss == nullptr) {
    throw ConfigError("sensitivity",
                      fmt::format("pairs are measured by {}, not by '{}'",
                                  fmt::join(metrics_with(&Metric::output_loss), " or "),
                                  options.metric));
  }
  options.widths = sorted_widths(std::move(options.widths));
  options.measured = options.measured.empty() ? usual_widths(options.widths)
                                              : sorted_widths(std::move(options.measured));
  for (const BitWidth width : options.measured) {
    if (std::find(options.widths.begin(), options.widths.end(), width) != options.widths.end()) {
      continue;
    }
    throw ConfigError("sensitivity",
                      fmt::format("pairs cannot be measured at {} bits, which is not one of the "
                                  "requested widths; add it to them",
                                  width.value()));
  }
  if (options.max_pairs < 0) {
    throw ConfigError(
        "sensitivity",
        fmt::format("the maximum number of pairs is {}; use 0 or more", options.max_pairs));
  }
  return options;
}

std::size_t index_of(const std::vector<BitWidth>& widths, BitWidth width) {
  return static_cast<std::size_t>(std::find(widths.begin(), widths.end(), width) - widths.begin());
}

}  // namespace

struct PairwiseEffect::Impl {
  const graph::Graph& graph;
  const std::vector<graph::Layer>& layers;
  PairwiseOptions options;
  QuantizedWeight quantized;
  std::vector<Pair> pairs;
  std::int64_t left_out = 0;
  std::vector<bool> paired;          ///< by layer: true if it is in a pair
  std::unique_ptr<OutputLoss> loss;  ///< one definition for all cells

  Impl(const graph::Graph& network,
       const graph::Discovery& discovery,
       PairwiseOptions asked,
       QuantizedWeight weights)
      : graph(network),
        layers(discovery.layers),
        options(checked(std::move(asked))),
        quantized(std::move(weights)),
        pairs(pairs_of(discovery, owns_weight(discovery.layers))),
        left_out(limit_pairs()),
        paired(layers.size(), false),
        loss(metric(options.metric)
                 .output_loss((layers.size() + pairs.size() * measured()) * measured(), network)) {
    for (const Pair& pair : pairs) paired[pair.first] = paired[pair.second] = true;
  }

  /// A pair in execution order: the layer that runs later.
  struct Partner {
    std::size_t pair;
    std::size_t layer;
  };

  /// A layer and its partners that run after it, in execution order.
  struct Stop {
    std::size_t layer;
    std::vector<Partner> partners;
  };

  [[nodiscard]] std::vector<Stop> stops(const runtime::Executor& executor) const {
    std::vector<Stop> result;
    std::vector<std::size_t> place(layers.size(), 0);
    for (const std::size_t layer : reading_order(executor, layers)) {
      if (!paired[layer]) continue;
      place[layer] = result.size();
      result.push_back({layer, {}});
    }
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      const bool as_listed = place[pairs[p].first] < place[pairs[p].second];
      const std::size_t earlier = as_listed ? pairs[p].first : pairs[p].second;
      result[place[earlier]].partners.push_back({p, as_listed ? pairs[p].second : pairs[p].first});
    }
    for (Stop& stop : result) {
      std::ranges::sort(stop.partners, {}, [&](const Partner& each) { return place[each.layer]; });
    }
    return result;
  }

  [[nodiscard]] std::size_t measured() const { return options.measured.size(); }
  [[nodiscard]] std::size_t alone_cell(std::size_t layer, std::size_t width) const {
    return layer * measured() + width;
  }
  [[nodiscard]] std::size_t pair_cell(std::size_t pair, std::size_t a, std::size_t b) const {
    return (layers.size() + pair * measured() + a) * measured() + b;
  }

  std::int64_t limit_pairs() {
    const auto max = static_cast<std::size_t>(options.max_pairs);
    if (pairs.size() <= max) return 0;
    const std::size_t over = pairs.size() - max;
    pairs.resize(max);
    return static_cast<std::int64_t>(over);
  }

  /// Measures the layer at each width: alone, and with each of its partners.
  void visit(runtime::Executor& executor, const State& state, const Stop& stop) {
    WeightScope scope(executor, graph, layers[stop.layer].weight);
    for (std::size_t a = 0; a < measured(); ++a) {
      check_interrupt();
      scope.set(quantized(stop.layer, options.measured[a]));
      State changed = state;
      loss->see(alone_cell(stop.layer, a), executor.finish(State(changed)));
      for (const Partner& partner : stop.partners) visit_second(executor, changed, partner, a);
    }
  }

  void visit_second(runtime::Executor& executor,
                    State& changed,
                    const Partner& partner,
                    std::size_t a) {
    const std::size_t layer = partner.layer;
    executor.advance_to_reader_of(changed, layers[layer].weight);
    WeightScope scope(executor, graph, layers[layer].weight);
    for (std::size_t b = 0; b < measured(); ++b) {
      check_interrupt();
      scope.set(quantized(layer, options.measured[b]));
      const bool as_listed = pairs[partner.pair].second == layer;
      loss->see(as_listed ? pair_cell(partner.pair, a, b) : pair_cell(partner.pair, b, a),
                executor.finish(State(changed)));
    }
  }

  /// Interaction where both widths ran, [measured][measured].
  [[nodiscard]] std::vector<double> measured_values(const std::vector<double>& losses,
                                                    std::size_t pair) const {
    std::vector<double> values;
    for (std::size_t a = 0; a < measured(); ++a) {
      for (std::size_t b = 0; b < measured(); ++b) {
        values.push_back(losses[pair_cell(pair, a, b)] - losses[alone_cell(pairs[pair].first, a)] -
                         losses[alone_cell(pairs[pair].second, b)]);
      }
    }
    return values;
  }

  [[nodiscard]] PairLoss pair_loss(const std::vector<double>& losses,
                                   const LossTable& alone,
                                   std::size_t pair) const;
};

PairLoss PairwiseEffect::Impl::pair_loss(const std::vector<double>& losses,
                                         const LossTable& alone,
                                         std::size_t pair) const {
  const std::vector<double> known = measured_values(losses, pair);
  const std::size_t count = options.widths.size();
  const auto scale = [&](std::size_t a, std::size_t b) {
    return std::sqrt(alone.at(pairs[pair].first, a) * alone.at(pairs[pair].second, b));
  };
  double along = 0;
  double square = 0;
  for (std::size_t a = 0; a < measured(); ++a) {
    for (std::size_t b = 0; b < measured(); ++b) {
      const double s = scale(index_of(options.widths, options.measured[a]),
                             index_of(options.widths, options.measured[b]));
      along += known[a * measured() + b] * s;
      square += s * s;
    }
  }
  const double rate = square > 0 ? along / square : 0.0;
  PairLoss result{pairs[pair].first, pairs[pair].second, std::vector<double>(count * count)};
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) result.values[a * count + b] = rate * scale(a, b);
  }
  for (std::size_t a = 0; a < measured(); ++a) {
    for (std::size_t b = 0; b < measured(); ++b) {
      result.values[index_of(options.widths, options.measured[a]) * count +
                    index_of(options.widths, options.measured[b])] = known[a * measured() + b];
    }
  }
  return result;
}

PairwiseEffect::PairwiseEffect(const graph::Graph& graph,
                               const graph::Discovery& discovery,
                               PairwiseOptions options,
                               QuantizedWeight quantized)
    : impl_(std::make_unique<Impl>(graph, discovery, std::move(options), std::move(quantized))) {}
PairwiseEffect::~PairwiseEffect() = default;
PairwiseEffect::PairwiseEffect(PairwiseEffect&&) noexcept = default;
PairwiseEffect& PairwiseEffect::operator=(PairwiseEffect&&) noexcept = default;

void PairwiseEffect::add_batch(runtime::Executor& executor,
                               std::span<const Tensor> inputs,
                               const ProgressHandler& progress) {
  State state = executor.start(inputs);
  impl_->loss->see_float(executor.finish(State(state)));
  const auto stops = impl_->stops(executor);
  std::int64_t done = 0;
  for (const Impl::Stop& stop : stops) {
    executor.advance_to_reader_of(state, impl_->layers[stop.layer].weight);
    impl_->visit(executor, state, stop);
    if (progress) {
      progress({"pairwise sensitivity",
                ++done,
                static_cast<std::int64_t>(stops.size()),
                impl_->layers[stop.layer].name});
    }
  }
}

PairwiseTable PairwiseEffect::result(const LossTable& alone) const {
  if (alone.widths != impl_->options.widths || alone.rows() != impl_->layers.size()) {
    throw ShapeError("sensitivity",
                     fmt::format("the table of single losses has {} layers and {} widths, but the "
                                 "pairs have {} and {}; measure both with the same ones",
                                 alone.rows(),
                                 alone.widths.size(),
                                 impl_->layers.size(),
                                 impl_->options.widths.size()));
  }
  const std::vector<double> losses = impl_->loss->result();
  PairwiseTable table{impl_->options.widths, {}, impl_->left_out};
  for (std::size_t p = 0; p < impl_->pairs.size(); ++p) {
    table.pairs.push_back(impl_->pair_loss(losses, alone, p));
  }
  return table;
}

}  // namespace ompq::sensitivity

#include "ompq/rounding/equalization.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "ompq/data/batches.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/graph/uses.h"

namespace ompq::rounding {
namespace {

using graph::Graph;
using graph::Layer;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr float kOpen = std::numeric_limits<float>::infinity();

/// Two layers of which only the first feeds the second.
struct Pair {
  const Layer* first = nullptr;
  const Layer* second = nullptr;
  float bound = kOpen;  ///< the smallest upper bound between them
};

/// The upper bound of a node that clips at zero, infinite if there is none; nullopt for any other
/// node.
std::optional<float> upper_bound(const Graph& graph, const Node& node) {
  const std::optional<graph::Bounds> bounds = graph::bounds_of(graph, node);
  return bounds && bounds->low == 0.0F ? std::optional(bounds->high) : std::nullopt;
}

/// True if f(s x) = s f(x) for s > 0, per channel, with a known slope.
bool is_homogeneous(const Graph& graph, const Node& node) {
  const graph::OperatorTraits& traits = graph::traits_of(node);
  return traits.homogeneous && (!traits.constant_operands || graph.is_constant(node.input(1)));
}

/// Number of input channels of the layer's weight; 0 for unsupported layouts.
std::int64_t input_channels(const Graph& graph, const Layer& layer) {
  const auto shape = graph.value(layer.weight).constant->shape();
  if (layer.op_type == "Conv") return shape[1] * layer.groups;
  if (layer.op_type == "Gemm" || layer.op_type == "MatMul") {
    return shape.size() == 2 ? shape[layer.weight_axis == 0 ? 1 : 0] : 0;
  }
  return 0;
}

bool is_shared(const std::vector<Layer>& layers, const Layer& layer) {
  return std::count_if(layers.begin(), layers.end(), [&](const Layer& other) {
           return other.weight == layer.weight ||
                  (layer.bias != graph::kNoValue && other.bias == layer.bias);
         }) > 1;
}

class Equalizer {
 public:
  Equalizer(Graph& graph,
            const std::vector<Layer>& layers,
            const ChannelMaxima& maxima,
            const EqualizationOptions& options)
      : graph_(graph), layers_(layers), maxima_(maxima), options_(options), uses_(graph) {
    for (const Layer& layer : layers) {
      if (auto pair = pair_from(layer)) pairs_.push_back(*pair);
    }
  }

  EqualizationReport run() {
    EqualizationReport report{.pairs = static_cast<int>(pairs_.size())};
    std::vector<std::vector<double>> factors;
    for (const Pair& pair : pairs_) {
      factors.emplace_back(static_cast<std::size_t>(pair.first->out_channels), 1.0);
    }
    bool moves = true;
    while (moves && report.sweeps < options_.max_sweeps) {
      moves = false;
      ++report.sweeps;
      for (std::size_t p = 0; p < pairs_.size(); ++p) {
        moves = balance(pairs_[p], factors[p]) || moves;
      }
    }
    for (const auto& each : factors) {
      report.channels += static_cast<int>(
          std::count_if(each.begin(), each.end(), [](double s) { return s != 1.0; }));
    }
    return report;
  }

 private:
  /// The only layer that reads this one's output, through homogeneous operators or known bounds.
  std::optional<Pair> pair_from(const Layer& first) const {
    const bool plain = first.op_type == "Conv" || first.op_type == "Gemm";
    if (!plain || is_shared(layers_, first) || first.weight_axis != 0) return std::nullopt;
    Pair pair{.first = &first};
    for (ValueId value = first.output;;) {
      const NodeId reader = uses_.sole_reader(value);
      if (reader == graph::kNoNode) return std::nullopt;
      const auto layer = std::find_if(layers_.begin(), layers_.end(), [&](const Layer& each) {
        return each.node == reader && each.input == value;
      });
      if (layer != layers_.end()) {
        pair.second = &*layer;
        break;
      }
      const Node& node = graph_.node(reader);
      if (node.input(0) != value) return std::nullopt;
      if (const auto bound = upper_bound(graph_, node)) {
        pair.bound = std::min(pair.bound, *bound);
      } else if (!is_homogeneous(graph_, node)) {
        return std::nullopt;
      }
      value = node.outputs[0];
    }
    const bool known = pair.bound == kOpen || maxima_.contains(first.output);
    const bool fits = input_channels(graph_, *pair.second) == first.out_channels;
    if (!known || !fits || is_shared(layers_, *pair.second)) return std::nullopt;
    return pair;
  }

  /// Calls use(channel, element) for every element of the first layer's weight.
  template <typename Use>
  void for_each_output(const Layer& layer, Use use) const {
    const std::int64_t inner = layer.weight_count / layer.out_channels;
    for (std::int64_t i = 0; i < layer.weight_count; ++i) {
      use(static_cast<std::size_t>(i / inner), static_cast<std::size_t>(i));
    }
  }

  /// Calls use(input channel, element) for every element of the second layer's weight.
  template <typename Use>
  void for_each_input(const Layer& layer, Use use) const {
    const auto shape = graph_.value(layer.weight).constant->shape();
    if (layer.op_type != "Conv") {
      const bool turned = layer.weight_axis == 1;  // [in, out]
      for (std::int64_t i = 0; i < layer.weight_count; ++i) {
        const std::int64_t channel = turned ? i / shape[1] : i % shape[1];
        use(static_cast<std::size_t>(channel), static_cast<std::size_t>(i));
      }
      return;
    }
    const std::int64_t inner = layer.weight_count / layer.out_channels;
    const std::int64_t taps = inner / shape[1];
    const std::int64_t outs = layer.out_channels / layer.groups;
    for (std::int64_t i = 0; i < layer.weight_count; ++i) {
      const std::int64_t group = i / inner / outs;
      const std::int64_t channel = group * shape[1] + i % inner / taps;
      use(static_cast<std::size_t>(channel), static_cast<std::size_t>(i));
    }
  }

  [[nodiscard]] std::vector<double> output_ranges(const Layer& layer) const {
    std::vector<double> ranges(static_cast<std::size_t>(layer.out_channels), 0.0);
    const auto weights = graph_.value(layer.weight).constant->data<float>();
    for_each_output(layer, [&](std::size_t channel, std::size_t i) {
      ranges[channel] = std::max(ranges[channel], std::abs(static_cast<double>(weights[i])));
    });
    return ranges;
  }

  [[nodiscard]] std::vector<double> input_ranges(const Layer& layer, std::size_t channels) const {
    std::vector<double> ranges(channels, 0.0);
    const auto weights = graph_.value(layer.weight).constant->data<float>();
    for_each_input(layer, [&](std::size_t channel, std::size_t i) {
      ranges[channel] = std::max(ranges[channel], std::abs(static_cast<double>(weights[i])));
    });
    return ranges;
  }

  /// One update of the factors of a pair. @return true if any factor changed.
  bool balance(const Pair& pair, std::vector<double>& factors) {
    const auto before = output_ranges(*pair.first);
    const auto after = input_ranges(*pair.second, before.size());
    std::vector<double> more(before.size(), 1.0);
    bool moves = false;
    for (std::size_t c = 0; c < before.size(); ++c) {
      if (before[c] == 0.0 || after[c] == 0.0) continue;  // a dead channel
      if (reaches_bound(pair, c)) continue;
      const double wanted = factors[c] * std::sqrt(before[c] / after[c]);
      const double allowed = std::clamp(wanted, min_factor(pair, c), options_.max_factor);
      more[c] = allowed / factors[c];
      constexpr double kStill = 1e-3;
      if (std::abs(std::log(more[c])) < kStill) {
        more[c] = 1.0;
        continue;
      }
      factors[c] = allowed;
      moves = true;
    }
    if (moves) apply(pair, more);
    return moves;
  }

  [[nodiscard]] bool reaches_bound(const Pair& pair, std::size_t channel) const {
    return pair.bound != kOpen &&
           maxima_.at(pair.first->output)[channel] * options_.margin >= pair.bound;
  }

  /// Limits the factor so that the scaled channel stays below its bound.
  [[nodiscard]] double min_factor(const Pair& pair, std::size_t channel) const {
    const double min = 1.0 / options_.max_factor;
    if (pair.bound == kOpen) return min;
    const double max = maxima_.at(pair.first->output)[channel] * options_.margin;
    return std::max(min, max / pair.bound);
  }

  void apply(const Pair& pair, const std::vector<double>& more) {
    Tensor first = *graph_.value(pair.first->weight).constant;
    for_each_output(*pair.first, [&](std::size_t channel, std::size_t i) {
      auto& weight = first.mutable_data<float>()[i];
      weight = static_cast<float>(weight / more[channel]);
    });
    if (pair.first->bias != graph::kNoValue) {
      Tensor bias = *graph_.value(pair.first->bias).constant;
      const auto values = bias.mutable_data<float>();
      for (std::size_t c = 0; c < values.size(); ++c) {
        values[c] = static_cast<float>(values[c] / more[c]);
      }
      graph_.mutable_value(pair.first->bias).constant = std::move(bias);
    }
    Tensor second = *graph_.value(pair.second->weight).constant;
    for_each_input(*pair.second, [&](std::size_t channel, std::size_t i) {
      auto& weight = second.mutable_data<float>()[i];
      weight = static_cast<float>(weight * more[channel]);
    });
    graph_.mutable_value(pair.first->weight).constant = std::move(first);
    graph_.mutable_value(pair.second->weight).constant = std::move(second);
  }

  Graph& graph_;
  const std::vector<Layer>& layers_;
  const ChannelMaxima& maxima_;
  EqualizationOptions options_;
  graph::Uses uses_;
  std::vector<Pair> pairs_;
};

/// The channel of each element of a captured row: [n, c, h, w] as H, W, C.
void take_maxima(const MatrixView& view, std::vector<float>& maxima) {
  const auto channels = static_cast<std::int64_t>(maxima.size());
  const auto* values = static_cast<const float*>(view.data);
  for (std::int64_t r = 0; r < view.rows; ++r) {
    const float* row = values + r * view.row_stride;
    for (std::int64_t i = 0; i < view.cols; ++i) {
      float& max = maxima[static_cast<std::size_t>(i % channels)];
      max = std::max(max, row[i]);
    }
  }
}

bool is_bounded(const Graph& graph, const Layer& layer) {
  const auto readers = graph.consumers(layer.output);
  const auto shape = graph.value(layer.output).shape;
  const auto bound =
      readers.size() == 1 ? upper_bound(graph, graph.node(readers.front())) : std::nullopt;
  return bound && *bound < kOpen && shape && (shape->size() == 4 || shape->size() == 2);
}

}  // namespace

ChannelMaxima channel_maxima(const Graph& graph,
                             const std::vector<Layer>& layers,
                             data::Dataset& dataset,
                             const std::vector<std::int64_t>& indices,
                             std::int64_t batch_size,
                             const runtime::ExecutorOptions& executor,
                             const ProgressHandler& progress) {
  ChannelMaxima maxima;
  runtime::ExecutorOptions options = executor;
  options.precision = runtime::Precision::Float32;
  for (const Layer& layer : layers) {
    if (!is_bounded(graph, layer)) continue;
    options.captured.push_back(layer.output);
    maxima[layer.output].assign(static_cast<std::size_t>(layer.out_channels),
                                -std::numeric_limits<float>::infinity());
  }
  if (maxima.empty()) return maxima;
  runtime::Executor runner(graph, options);
  const auto capture = [&](ValueId value, const MatrixView& view) {
    take_maxima(view, maxima.at(value));
  };
  data::for_each_batch(
      dataset,
      indices,
      batch_size,
      [&](const data::Batch& batch) { (void)runner.run(batch.inputs, capture); },
      "channel ranges",
      progress);
  return maxima;
}

EqualizationReport equalize(Graph& graph,
                            const std::vector<Layer>& layers,
                            const ChannelMaxima& maxima,
                            const EqualizationOptions& options) {
  return Equalizer(graph, layers, maxima, options).run();
}

}  // namespace ompq::rounding

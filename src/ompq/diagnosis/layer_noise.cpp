#include "ompq/diagnosis/layer_noise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "ompq/pipeline/quantized_layer.h"

namespace ompq::diagnosis {
namespace {

using graph::ValueId;

/// The values of one layer in the float network, and of its two quantized variants.
struct LayerVariants {
  ValueId source = graph::kNoValue;
  ValueId quantized_source = graph::kNoValue;  ///< kNoValue if the input stays float
  ValueId output = graph::kNoValue;
  ValueId by_weights = graph::kNoValue;  ///< kNoValue if the weight stays float
  ValueId by_input = graph::kNoValue;
  float scale = 0;  ///< of the input's quantizer
};

/// A copy of the float network with added variants of its layers.
class Probe {
 public:
  Probe(const graph::Graph& float_graph, const graph::Graph& quantized)
      : graph_(float_graph), quantized_(quantized) {}

  LayerVariants add(const graph::Layer& layer, const pipeline::QuantizedLayer& there) {
    LayerVariants variants{.source = layer.input, .output = layer.output};
    const Tensor& weight = *quantized_.value(there.weight).constant;
    if (!weight.equals(*graph_.value(layer.weight).constant)) {
      graph::Node node = copy(layer, "_own_weights");
      node.inputs[layer.weight_operand] = graph_.add_constant("", weight);
      variants.by_weights = add_like(std::move(node), layer.output);
    }
    if (!there.quantizer.empty()) {
      variants.quantized_source = quantizer(layer, there);
      graph::Node node = copy(layer, "_own_input");
      node.inputs[layer.input_operand] = variants.quantized_source;
      variants.by_input = add_like(std::move(node), layer.output);
      variants.scale = step_of(quantized_.node(there.quantizer.back()));
    }
    return variants;
  }

  graph::Graph finish() {
    graph_.sort();
    return std::move(graph_);
  }

 private:
  graph::Node copy(const graph::Layer& layer, const std::string& suffix) const {
    graph::Node node = graph_.node(layer.node);
    node.name = layer.name + suffix;
    // Omit outputs before the layer's own.
    const auto own = std::ranges::find(node.outputs, layer.output);
    node.outputs.assign(static_cast<std::size_t>(own - node.outputs.begin()), graph::kNoValue);
    return node;
  }

  ValueId add_like(graph::Node node, ValueId like) {
    const auto shape = graph_.value(like).shape;
    const DataType type = graph_.value(like).type;
    const ValueId made = graph_.add_op(std::move(node));
    graph_.mutable_value(made).shape = shape;
    graph_.mutable_value(made).type = type;
    return made;
  }

  /// Copies the quantized network's quantizer, once for all layers that read it.
  ValueId quantizer(const graph::Layer& layer, const pipeline::QuantizedLayer& there) {
    const auto known = quantizers_.find(there.input);
    if (known != quantizers_.end()) return known->second;
    ValueId at = layer.input;
    for (const graph::NodeId id : there.quantizer) {
      graph::Node node = quantized_.node(id);
      const DataType type = quantized_.value(node.outputs.front()).type;
      node.inputs.front() = at;
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == graph::kNoValue) continue;
        node.inputs[i] = graph_.add_constant("", *quantized_.value(node.inputs[i]).constant);
      }
      node.outputs.clear();
      at = add_like(std::move(node), layer.input);
      graph_.mutable_value(at).type = type;
    }
    return quantizers_[there.input] = at;
  }

  float step_of(const graph::Node& dequantize) const {
    const auto scales = quantized_.value(dequantize.input(1)).constant->to_floats();
    return *std::max_element(scales.begin(), scales.end());
  }

  graph::Graph graph_;
  const graph::Graph& quantized_;
  std::map<ValueId, ValueId> quantizers_;  // by the quantized network's value
};

/// Passes on pairs of values of one pass as soon as both exist.
class Pairs {
 public:
  using Use = std::function<void(std::span<const float>, std::span<const float>)>;

  void add(ValueId a, ValueId b, Use use) {
    pairs_.push_back({a, b, std::move(use)});
    for (const ValueId id : {a, b}) of_value_[id].push_back(pairs_.size() - 1);
  }

  [[nodiscard]] std::vector<ValueId> values() const {
    std::vector<ValueId> all;
    for (const auto& [id, pairs] : of_value_) all.push_back(id);
    return all;
  }

  void begin_pass() { held_.clear(); }

  void see(ValueId id, const MatrixView& rows) {
    const auto& mine = of_value_.at(id);
    held_[id] = {pipeline::floats_of(rows), mine.size()};
    for (const std::size_t p : mine) {
      const Pair& pair = pairs_[p];
      if (!held_.contains(pair.a) || !held_.contains(pair.b)) continue;
      pair.use(held_[pair.a].values, held_[pair.b].values);
      release(pair.a);
      if (pair.b != pair.a) release(pair.b);
    }
  }

 private:
  struct Pair {
    ValueId a;
    ValueId b;
    Use use;
  };
  struct Held {
    std::vector<float> values;
    std::size_t open = 0;  ///< number of pairs not yet complete
  };

  void release(ValueId id) {
    if (--held_[id].open == 0) held_[id].values = {};
  }

  std::vector<Pair> pairs_;
  std::map<ValueId, std::vector<std::size_t>> of_value_;
  std::map<ValueId, Held> held_;
};

std::size_t channels_of(const graph::Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).shape;
  if (!shape || shape->size() < 2) return 1;
  // A capture moves the channels of [N, C, H, W] last; other ranks are not changed.
  const graph::Dim& dim = shape->size() == 4 ? (*shape)[1] : shape->back();
  return dim.is_fixed() && dim.size > 0 ? static_cast<std::size_t>(dim.size) : 1;
}

}  // namespace

void InputNoise::add(std::span<const float> x, std::span<const float> x_q, float step) {
  quantized.add(x, x_q);
  // Rounding changes an element by at most half the scale; allow 0.1 % for the arithmetic.
  const double bound = 0.5005 * static_cast<double>(step);
  for (std::size_t i = 0; i < x.size(); ++i) {
    float& peak = channel_peak[i % channel_peak.size()];
    peak = std::max(peak, std::abs(x[i]));
    const double difference = static_cast<double>(x_q[i]) - x[i];
    if (std::abs(difference) <= bound) continue;
    ++clipped;
    clipping_noise += difference * difference;
  }
}

double InputNoise::channel_spread() const {
  std::vector<float> peaks = channel_peak;
  if (peaks.empty()) return 0;
  const auto middle = peaks.begin() + static_cast<std::ptrdiff_t>(peaks.size() / 2);
  std::nth_element(peaks.begin(), middle, peaks.end());
  const double median = *middle;
  const double largest = *std::max_element(peaks.begin(), peaks.end());
  return median > 0 ? largest / median : 0;
}

double InputNoise::peak_to_rms() const {
  if (quantized.elements == 0 || !(quantized.signal > 0)) return 0;
  const double peak = *std::max_element(channel_peak.begin(), channel_peak.end());
  return peak / std::sqrt(quantized.signal / static_cast<double>(quantized.elements));
}

struct LayerNoiseMeter::Impl {
  std::vector<LayerNoise> noise;
  Pairs pairs;
  std::optional<runtime::Executor> executor;

  Impl(const graph::Graph& float_graph,
       const std::vector<graph::Layer>& layers,
       const graph::Graph& quantized,
       runtime::ExecutorOptions options)
      : noise(layers.size()) {
    const auto there = pipeline::find_layers(float_graph, layers, quantized);
    Probe probe(float_graph, quantized);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      noise[l].at_input.channel_peak.assign(channels_of(float_graph, layers[l].input), 0.0F);
      watch(noise[l], probe.add(layers[l], there[l]));
    }
    const auto values = pairs.values();
    options.captured.insert(options.captured.end(), values.begin(), values.end());
    executor.emplace(probe.finish(), std::move(options));
  }

  void watch(LayerNoise& layer, const LayerVariants& variants) {
    const auto sum = [](pipeline::ValueComparison& into) {
      return [&into](auto a, auto b) { into.add(a, b); };
    };
    if (variants.by_weights != graph::kNoValue) {
      pairs.add(variants.output, variants.by_weights, sum(layer.weights));
    }
    InputNoise& input = layer.at_input;
    if (variants.by_input == graph::kNoValue) return;
    pairs.add(variants.output, variants.by_input, sum(layer.input));
    pairs.add(variants.source,
              variants.quantized_source,
              [&input, scale = variants.scale](auto a, auto b) { input.add(a, b, scale); });
  }
};

LayerNoiseMeter::LayerNoiseMeter(const graph::Graph& float_graph,
                                 const std::vector<graph::Layer>& layers,
                                 const graph::Graph& quantized,
                                 runtime::ExecutorOptions options)
    : impl_(std::make_unique<Impl>(float_graph, layers, quantized, std::move(options))) {}
LayerNoiseMeter::~LayerNoiseMeter() = default;
LayerNoiseMeter::LayerNoiseMeter(LayerNoiseMeter&&) noexcept = default;
LayerNoiseMeter& LayerNoiseMeter::operator=(LayerNoiseMeter&&) noexcept = default;

void LayerNoiseMeter::add_batch(std::span<const Tensor> inputs) {
  impl_->pairs.begin_pass();
  (void)impl_->executor->run(
      inputs, [&](ValueId id, const MatrixView& rows) { impl_->pairs.see(id, rows); });
}

const std::vector<LayerNoise>& LayerNoiseMeter::result() const { return impl_->noise; }

}  // namespace ompq::diagnosis

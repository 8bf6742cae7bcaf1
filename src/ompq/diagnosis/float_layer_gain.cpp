#include "ompq/diagnosis/float_layer_gain.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/pipeline/quantized_layer.h"

namespace ompq::diagnosis {
namespace {

using State = runtime::Executor::State;

/// A constant of the quantized network and its value in the float network.
struct Constant {
  graph::ValueId id = graph::kNoValue;
  Tensor float_graph;
  Tensor quantized;
};

std::vector<Constant> constants_of(const graph::Graph& float_graph,
                                   const graph::Layer& layer,
                                   const graph::Graph& quantized,
                                   const pipeline::QuantizedLayer& there) {
  std::vector<Constant> constants;
  constants.reserve(2);
  constants.push_back({there.weight,
                       *float_graph.value(layer.weight).constant,
                       *quantized.value(there.weight).constant});
  const bool has_bias_operand =
      layer.use == graph::WeightUse::Convolution || layer.use == graph::WeightUse::Product;
  const graph::ValueId bias = quantized.node(there.node).input(2);
  if (!has_bias_operand || !quantized.is_constant(bias)) return constants;
  const Tensor& rounded = *quantized.value(bias).constant;
  // A method may have added a bias to an operator without one.
  Tensor original = layer.bias != graph::kNoValue ? *float_graph.value(layer.bias).constant
                                                  : Tensor(rounded.type(), rounded.shape());
  constants.push_back({bias, std::move(original), rounded});
  return constants;
}

/// float32 sums in another order differ by about 1e-7 of the signal's amplitude.
constexpr double kArithmeticNoise = 1e-12;

double energy_of(const Tensor& output) {
  double sum = 0;
  for (const float x : output.data<float>()) sum += static_cast<double>(x) * x;
  return sum;
}

double noise_of(const Tensor& output, const Tensor& reference) {
  const auto x = output.data<float>();
  const auto y = reference.data<float>();
  if (x.size() != y.size()) {
    throw ShapeError("diagnosis",
                     "the networks' first outputs differ in size; both networks must have the same "
                     "first output");
  }
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - y[i];
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

struct FloatLayerGain::Impl {
  std::vector<pipeline::QuantizedLayer> layers;
  std::vector<std::vector<Constant>> constants;
  runtime::Executor executor;
  std::vector<std::size_t> order;  ///< layers, in the order in which the pass computes their inputs
  double signal = 0;
  double noise = 0;
  std::vector<double> noise_without;

  Impl(const graph::Graph& float_graph,
       const std::vector<graph::Layer>& of_float,
       const graph::Graph& quantized,
       runtime::ExecutorOptions options)
      : layers(pipeline::find_layers(float_graph, of_float, quantized)),
        executor(quantized, keeping(std::move(options))),
        noise_without(of_float.size(), 0.0) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      constants.push_back(constants_of(float_graph, of_float[l], quantized, layers[l]));
      places.emplace_back(executor.position(layers[l].source), l);
    }
    std::sort(places.begin(), places.end());
    for (const auto& [position, layer] : places) order.push_back(layer);
  }

  [[nodiscard]] runtime::ExecutorOptions keeping(runtime::ExecutorOptions options) const {
    for (const pipeline::QuantizedLayer& layer : layers) {
      options.captured.push_back(layer.source);
      options.captured.push_back(layer.input);
    }
    return options;
  }

  void visit(State& state, std::size_t l, const Tensor& output) {
    const pipeline::QuantizedLayer& layer = layers[l];
    executor.advance_past(state, layer.source);
    State changed = state;
    if (layer.input != layer.source) {
      const Tensor input = executor.value(changed, layer.source);
      executor.advance_past(changed, layer.input);
      executor.set_value(changed, layer.input, input);
    }
    for (const Constant& constant : constants[l])
      executor.set_constant(constant.id, constant.float_graph);
    noise_without[l] += noise_of(executor.finish(std::move(changed)).front(), output);
    for (const Constant& constant : constants[l]) {
      executor.set_constant(constant.id, constant.quantized);
    }
  }
};

FloatLayerGain::FloatLayerGain(const graph::Graph& float_graph,
                               const std::vector<graph::Layer>& layers,
                               const graph::Graph& quantized,
                               runtime::ExecutorOptions options)
    : impl_(std::make_unique<Impl>(float_graph, layers, quantized, std::move(options))) {}
FloatLayerGain::~FloatLayerGain() = default;
FloatLayerGain::FloatLayerGain(FloatLayerGain&&) noexcept = default;
FloatLayerGain& FloatLayerGain::operator=(FloatLayerGain&&) noexcept = default;

void FloatLayerGain::add_batch(std::span<const Tensor> inputs, const Tensor& output) {
  State state = impl_->executor.start(inputs);
  impl_->signal += energy_of(output);
  impl_->noise += noise_of(impl_->executor.finish(State(state)).front(), output);
  for (const std::size_t l : impl_->order) {
    check_interrupt();
    impl_->visit(state, l, output);
  }
}

std::vector<std::optional<double>> FloatLayerGain::result() const {
  std::vector<std::optional<double>> gains(impl_->noise_without.size());
  const double min = kArithmeticNoise * impl_->signal;
  if (!(impl_->noise > min)) return gains;
  for (std::size_t l = 0; l < gains.size(); ++l) {
    gains[l] = 10.0 * std::log10(impl_->noise / std::max(impl_->noise_without[l], min));
  }
  return gains;
}

}  // namespace ompq::diagnosis

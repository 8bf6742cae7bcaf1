#include "sensitivity/fixture.h"

#include <cmath>

#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::testing {
namespace {

using graph::Dim;

std::vector<std::int64_t> sample_shape(const graph::Graph& graph, std::int64_t samples) {
  std::vector<std::int64_t> shape{samples};
  const graph::Shape& known = *graph.value(graph.inputs().front()).shape;
  for (std::size_t axis = 1; axis < known.size(); ++axis) shape.push_back(known[axis].size);
  return shape;
}

graph::ValueId image(GraphBuilder& builder, std::int64_t channels, std::int64_t size) {
  return builder.input("input",
                       {Dim::batch(), Dim::fixed(channels), Dim::fixed(size), Dim::fixed(size)});
}

}  // namespace

Fixture::Fixture(graph::Graph network, std::int64_t samples)
    : graph(std::move(network)),
      discovery(graph::discover(graph)),
      input{normal_samples(sample_shape(graph, samples), 7)} {}

const Tensor& Fixture::weight(std::size_t layer) const {
  return *graph.value(layers()[layer].weight).constant;
}

Tensor Fixture::quantized(std::size_t layer, BitWidth width) const {
  const auto along = quant::Granularity::along(layers()[layer].weight_axis);
  return quant::fake_quantize(
      weight(layer), quant::choose_qparams(weight(layer), {.bits = width, .granularity = along}));
}

sensitivity::QuantizedWeight Fixture::quantizer() const {
  return [this](std::size_t layer, BitWidth width) { return quantized(layer, width); };
}

std::vector<Tensor> Fixture::slice(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> shape = input.front().shape();
  const auto sample = static_cast<std::size_t>(input.front().elements() / shape.front());
  shape.front() = end - begin;
  const auto values = input.front().data<float>();
  return {Tensor::from(shape,
                       values.subspan(static_cast<std::size_t>(begin) * sample,
                                      static_cast<std::size_t>(end - begin) * sample))};
}

graph::Graph Fixture::changed(const std::vector<Change>& changes) const {
  graph::Graph copy = graph;
  for (const auto& [layer, width] : changes) {
    copy.mutable_value(layers()[layer].weight).constant = quantized(layer, width);
  }
  return copy;
}

graph::Graph residual_network() {
  GraphBuilder builder("residual");
  const auto x = image(builder, 3, 8);
  const auto stem = builder.relu("relu1", builder.conv("stem", x, {.out = 8, .kernel = 3}));
  const auto inner = builder.relu("relu2", builder.conv("inner", stem, {.out = 8, .kernel = 3}));
  const auto outer = builder.conv("outer", inner, {.out = 8, .kernel = 3});
  const auto sum = builder.relu("relu3", builder.add("sum", outer, stem));
  return builder.finish(
      {builder.gemm("fc", builder.flatten("flat", builder.global_average_pool("pool", sum)), 4)});
}

graph::Graph smooth_network() {
  GraphBuilder builder("smooth");
  const auto x = image(builder, 2, 4);
  const auto conv = builder.unary("Tanh", "act1", builder.conv("conv", x, {.out = 4, .kernel = 3}));
  const auto flat = builder.flatten("flat", builder.global_average_pool("pool", conv));
  const auto hidden = builder.unary("Tanh", "act2", builder.gemm("hidden", flat, 5));
  return builder.finish({builder.gemm("fc", hidden, 3)});
}

graph::Graph image_network() {
  GraphBuilder builder("image");
  const auto x = image(builder, 2, 5);
  const auto inner =
      builder.clip("relu6", builder.conv("inner", x, {.out = 4, .kernel = 3}), 0.0F, 6.0F);
  return builder.finish({builder.conv("outer", inner, {.out = 2, .kernel = 3})});
}

graph::Graph shared_weight_network() {
  GraphBuilder builder("shared");
  const auto x = builder.input("input", {Dim::batch(), Dim::fixed(4)});
  const auto first = builder.relu("relu1", builder.gemm("first", x, 4));
  const auto second = builder.gemm("second", first, 4);
  auto graph = builder.finish({builder.gemm("fc", builder.relu("relu2", second), 3)});
  const auto nodes = graph.nodes();
  graph::ValueId shared = graph::kNoValue;
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    if (nodes[id].name == "first") shared = nodes[id].inputs[1];
    if (nodes[id].name != "second") continue;
    graph.mutable_node(static_cast<graph::NodeId>(id)).inputs[1] = shared;
  }
  return graph;
}

std::vector<Tensor> run(const graph::Graph& graph, const std::vector<Tensor>& input) {
  return runtime::Executor(graph).run(input);
}

double relative_error(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  const auto x = a.front().data<float>();
  const auto y = b.front().data<float>();
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - y[i];
    error += difference * difference;
    norm += static_cast<double>(y[i]) * y[i];
  }
  return error / norm;
}

double mean_divergence(const Tensor& real, const Tensor& quantized) {
  const auto classes = static_cast<std::size_t>(real.shape()[1]);
  const auto x = real.data<float>();
  const auto y = quantized.data<float>();
  double sum = 0;
  for (std::size_t row = 0; row < x.size(); row += classes) {
    double sum_x = 0;
    double sum_y = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      sum_x += std::exp(static_cast<double>(x[row + c]));
      sum_y += std::exp(static_cast<double>(y[row + c]));
    }
    for (std::size_t c = 0; c < classes; ++c) {
      const double p = std::exp(static_cast<double>(x[row + c])) / sum_x;
      const double q = std::exp(static_cast<double>(y[row + c])) / sum_y;
      sum += p * std::log(p / q);
    }
  }
  return sum / static_cast<double>(real.shape()[0]);
}

}  // namespace ompq::testing

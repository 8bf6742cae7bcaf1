#include "rounding/layer_cases.h"

#include "ompq/core/random.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"

namespace ompq::rounding::cases {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::ConvOptions;
using ompq::testing::GraphBuilder;

Graph one_convolution(std::int64_t channels, const ConvOptions& options) {
  GraphBuilder b("one", 3);
  const auto x = b.input("x", {Dim{1, true}, Dim{channels}, Dim{6}, Dim{5}});
  return b.finish({b.conv("conv", x, options)});
}

Graph pointwise() { return one_convolution(12, {.out = 7, .bias = true}); }
Graph padded() {
  return one_convolution(3,
                         {.out = 6, .kernel = 3, .stride = 2, .pads = {1, 0, 2, 1}, .bias = true});
}
Graph dilated() {
  return one_convolution(
      3, {.out = 4, .kernel = 3, .pads = {2, 2, 2, 2}, .dilation = 2, .bias = true});
}
Graph grouped_layer() {
  return one_convolution(6, {.out = 9, .kernel = 3, .groups = 3, .bias = true});
}
Graph depthwise() { return one_convolution(8, {.out = 8, .kernel = 3, .groups = 8, .bias = true}); }
Graph without_bias() { return one_convolution(4, {.out = 5, .kernel = 3}); }
Graph fully_connected_layer() {
  GraphBuilder b("one", 3);
  const auto x = b.input("x", {Dim{1, true}, Dim{20}});
  return b.finish({b.gemm("fc", x, 6)});
}
Graph token_layer() {
  GraphBuilder b("one", 3);
  const auto x = b.input("x", {Dim{1, true}, Dim{5}, Dim{16}});
  return b.finish({b.linear("linear", x, 6, /*bias=*/false)});
}
Graph heads() {
  GraphBuilder b("one", 3);
  const auto x = b.input("x", {Dim{1, true}, Dim{3}, Dim{4}, Dim{10}});
  return b.finish({b.linear("linear", x, 6, /*bias=*/false)});
}
/// Conv over [batch, channels, length].
Graph one_sequence(std::int64_t channels,
                   std::int64_t out,
                   std::int64_t groups,
                   std::map<std::string, graph::Attribute> attributes,
                   std::int64_t length_made) {
  GraphBuilder b("one", 3);
  const auto x = b.input("x", {Dim{1, true}, Dim{channels}, Dim{11}});
  const auto weight = b.normal_constant("conv.weight", {out, channels / groups, 3}, 0.3);
  const auto bias = b.normal_constant("conv.bias", {out}, 0.3);
  attributes["group"] = groups;
  return b.finish({b.op({"conv", "Conv", "", {x, weight, bias}, {}, std::move(attributes)},
                        {Dim{1, true}, Dim{out}, Dim{length_made}})});
}
Graph sequence_layer() {
  return one_sequence(
      4,
      6,
      1,
      {{"strides", std::vector<std::int64_t>{2}}, {"pads", std::vector<std::int64_t>{1, 2}}},
      6);
}
Graph grouped_sequence() {
  return one_sequence(6, 8, 2, {{"dilations", std::vector<std::int64_t>{2}}}, 7);
}

}  // namespace

OneLayer::OneLayer(Graph network, std::int64_t count, double noise)
    : graph(std::move(network)), samples(count) {
  layer = graph::discover(graph).layers.front();
  const auto extents = graph::extents_at(*graph.value(layer.input).shape, 1);
  const std::int64_t cols = element_count(extents);
  x = std::make_unique<SampleCache>(count, cols, memory);
  z = std::make_unique<SampleCache>(count, cols, memory);
  Random random(17);
  std::vector<float> row(static_cast<std::size_t>(cols));
  for (std::int64_t r = 0; r < count; ++r) {
    // Neighbours are alike and the mean is not zero, as after a Relu.
    double last = 0.0;
    for (float& value : row) {
      last = 0.8 * last + 0.6 * random.normal();
      value = static_cast<float>(last + 0.5);
    }
    x->write(r, {row.data(), DataType::Float32, 1, cols, cols});
    for (float& value : row) value += static_cast<float>(noise * (random.normal() + 0.5));
    z->write(r, {row.data(), DataType::Float32, 1, cols, cols});
  }
}

std::vector<float> OneLayer::bias() const {
  if (layer.bias == graph::kNoValue) {
    return std::vector<float>(static_cast<std::size_t>(layer.out_channels), 0.0F);
  }
  return graph.value(layer.bias).constant->to_floats();
}

std::vector<std::vector<double>> OneLayer::outputs(const SampleCache& cache,
                                                   const Tensor& weight,
                                                   const std::vector<float>& bias) const {
  Graph changed = graph;
  changed.mutable_value(layer.weight).constant = weight;
  if (layer.bias != graph::kNoValue) {
    const auto shape = graph.value(layer.bias).constant->shape();
    changed.mutable_value(layer.bias).constant = Tensor::from(shape, bias);
  }
  runtime::Executor executor(changed, {.threads = 1, .fuse = false, .captured = {layer.output}});
  auto state = executor.start_rows(
      samples, [&](std::size_t, std::int64_t row, std::span<float> out) { cache.read(row, out); });
  executor.advance_past(state, layer.output);
  const Tensor made = executor.value(state, layer.output);
  const auto& shape = made.shape();
  const auto values = made.data<float>();
  const std::int64_t channels = layer.out_channels;
  std::vector<std::vector<double>> rows;
  const bool image = layer.op_type == "Conv";
  const std::int64_t positions =
      image ? element_count(std::span(shape).subspan(2)) : made.elements() / channels / samples;
  for (std::int64_t n = 0; n < samples; ++n) {
    for (std::int64_t p = 0; p < positions; ++p) {
      std::vector<double>& row = rows.emplace_back();
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t at =
            image ? (n * channels + c) * positions + p : (n * positions + p) * channels + c;
        row.push_back(values[static_cast<std::size_t>(at)]);
      }
    }
  }
  return rows;
}

const std::vector<LayerCase>& layer_cases() {
  static const std::vector<LayerCase> cases{{"Pointwise", pointwise},
                                            {"Padded", padded},
                                            {"Dilated", dilated},
                                            {"Grouped", grouped_layer},
                                            {"Depthwise", depthwise},
                                            {"WithoutBias", without_bias},
                                            {"FullyConnected", fully_connected_layer},
                                            {"Tokens", token_layer},
                                            {"Heads", heads},
                                            {"Sequence", sequence_layer},
                                            {"GroupedSequence", grouped_sequence}};
  return cases;
}

}  // namespace ompq::rounding::cases

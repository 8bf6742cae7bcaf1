#include "reconstruction/block_cases.h"

#include "ompq/rounding/quantize_weights.h"

namespace ompq::reconstruction::cases {
namespace {

using graph::Dim;
using graph::Graph;
using ompq::testing::GraphBuilder;

graph::ValueId image(GraphBuilder& b, std::int64_t channels, std::int64_t size) {
  return b.input("input", {Dim::batch(), Dim::fixed(channels), Dim::fixed(size), Dim::fixed(size)});
}

Graph residual() {
  GraphBuilder b("residual", 11);
  const auto x = image(b, 8, 6);
  const auto stem = b.relu("stem.relu", b.conv("stem", x, {.out = 8, .kernel = 3, .bias = true}));
  const auto a = b.relu("a.relu", b.conv("a", stem, {.out = 12, .kernel = 3, .bias = true}));
  const auto c = b.conv("c", a, {.out = 8, .kernel = 3, .bias = true});
  return b.finish({b.relu("out", b.add("add", c, stem))});
}

Graph projection() {
  GraphBuilder b("projection", 12);
  const auto x = image(b, 6, 8);
  const auto a = b.relu(
      "a.relu",
      b.conv("a", x, {.out = 12, .kernel = 3, .stride = 2, .pads = {1, 1, 1, 1}, .bias = true}));
  const auto c = b.conv("c", a, {.out = 12, .kernel = 3, .bias = true});
  const auto side = b.conv("side", x, {.out = 12, .kernel = 1, .stride = 2, .bias = true});
  return b.finish({b.relu("out", b.add("add", c, side))});
}

Graph inverted_residual() {
  GraphBuilder b("inverted_residual", 13);
  const auto x = image(b, 8, 6);
  const auto up = b.clip("up.clip", b.conv("up", x, {.out = 24, .kernel = 1, .bias = true}), 0, 6);
  const auto depthwise = b.clip(
      "dw.clip", b.conv("dw", up, {.out = 24, .kernel = 3, .groups = 24, .bias = true}), 0, 6);
  const auto down = b.conv("down", depthwise, {.out = 8, .kernel = 1, .bias = true});
  return b.finish({b.add("add", down, x)});
}

Graph grouped() {
  GraphBuilder b("grouped", 14);
  const auto x = image(b, 8, 7);
  const auto a =
      b.relu("a.relu", b.conv("a", x, {.out = 16, .kernel = 3, .pads = {0, 1, 2, 1}, .groups = 4}));
  return b.finish(
      {b.conv("c", a, {.out = 8, .kernel = 3, .stride = 2, .pads = {1, 0, 0, 1}, .dilation = 2})});
}

Graph fully_connected() {
  GraphBuilder b("fully_connected", 15);
  const auto x = b.input("input", {Dim::batch(), Dim::fixed(20)});
  const auto a = b.relu("a.relu", b.gemm("a", x, 30));
  return b.finish({b.gemm("c", a, 10)});
}

Graph silu() {
  GraphBuilder b("silu", 16);
  const auto x = image(b, 8, 6);
  const auto a = b.conv("a", x, {.out = 16, .kernel = 1, .bias = true});
  const auto gated = b.binary("Mul", "a.silu", a, b.unary("Sigmoid", "a.sigmoid", a));
  const auto c = b.conv("c", gated, {.out = 8, .kernel = 3, .bias = true});
  return b.finish({b.add("add", c, x)});
}

Graph transposed() {
  GraphBuilder b("transposed", 17);
  const auto x = image(b, 6, 5);
  const auto up =
      b.conv_transpose("up", x, {.out = 8, .kernel = 2, .stride = 2, .pads = {0, 0, 0, 0}});
  return b.finish({b.conv("c", b.relu("relu", up), {.out = 4, .kernel = 3})});
}

Graph tokens() {
  GraphBuilder b("tokens", 18);
  const auto x = b.input("input", {Dim::batch(), Dim::fixed(5), Dim::fixed(12)});
  const auto a = b.relu("a.relu", b.linear("a", x, 24));
  return b.finish({b.add("add", b.linear("c", a, 12), x)});
}

Graph concatenated() {
  GraphBuilder b("concatenated", 19);
  const auto x = image(b, 8, 6);
  const auto squeeze = b.relu("s.relu", b.conv("s", x, {.out = 6, .kernel = 1, .bias = true}));
  const auto a = b.relu("a.relu", b.conv("a", squeeze, {.out = 8, .kernel = 1, .bias = true}));
  const auto c = b.relu("c.relu", b.conv("c", squeeze, {.out = 8, .kernel = 3, .bias = true}));
  const auto both = b.max_pool("pool", b.concat("concat", {a, c}, 1), 2, 2, 0);
  return b.finish({b.conv("last", both, {.out = 5, .kernel = 1, .bias = true})});
}

}  // namespace

const std::vector<BlockCase>& block_cases() {
  static const std::vector<BlockCase> cases{{"Residual", residual},
                                            {"Projection", projection},
                                            {"InvertedResidual", inverted_residual},
                                            {"Grouped", grouped},
                                            {"FullyConnected", fully_connected},
                                            {"Silu", silu},
                                            {"Transposed", transposed},
                                            {"Tokens", tokens},
                                            {"Concatenated", concatenated}};
  return cases;
}

TestNetwork test_network(Graph graph,
                         int weight_bits,
                         int activation_bits,
                         std::int64_t samples,
                         const std::string& target) {
  TestNetwork network{.graph = std::move(graph)};
  network.parts = graph::discover(network.graph);
  const auto& layers = network.parts.layers;
  auto shape =
      graph::extents_at(*network.graph.value(network.graph.inputs().front()).shape, samples);
  shape.front() = samples;  // also where the network takes a fixed number at once
  network.dataset =
      std::make_unique<ompq::testing::MemoryDataset>(ompq::testing::normal_samples(shape, 5));
  network.indices = ompq::testing::all_indices(samples);
  network.initial.target = target;
  Graph quantized = network.graph;
  network.initial.weights = rounding::quantize_weights(
      quantized, layers, std::vector<BitWidth>(layers.size(), BitWidth(weight_bits)));
  if (activation_bits > 0) {
    network.initial.activations = rounding::calibrate_activations(
        network.graph,
        layers,
        std::vector<BitWidth>(layers.size(), BitWidth(activation_bits)),
        *network.dataset,
        network.indices,
        {.target = target});
  }
  return network;
}

}  // namespace ompq::reconstruction::cases

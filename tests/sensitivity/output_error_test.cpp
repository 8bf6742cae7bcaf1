#include "ompq/sensitivity/output_error.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/quantized_tensor.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::sensitivity {
namespace {

const std::vector<BitWidth> kWidths{BitWidth(2), BitWidth(4), BitWidth(8)};

graph::Graph residual_network() {
  testing::GraphBuilder builder("residual");
  const auto x = builder.input(
      "input",
      {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  const auto stem = builder.relu("relu1", builder.conv("stem", x, {.out = 8, .kernel = 3}));
  const auto inner = builder.relu("relu2", builder.conv("inner", stem, {.out = 8, .kernel = 3}));
  const auto outer = builder.conv("outer", inner, {.out = 8, .kernel = 3});
  const auto sum = builder.relu("relu3", builder.add("sum", outer, stem));
  return builder.finish(
      {builder.gemm("fc", builder.flatten("flat", builder.global_average_pool("pool", sum)), 4)});
}

struct Fixture {
  graph::Graph graph = residual_network();
  std::vector<graph::Layer> layers = graph::discover(graph).layers;
  std::vector<Tensor> input{testing::normal_samples({6, 3, 8, 8}, 7)};

  Tensor quantized(std::size_t layer, BitWidth width) const {
    const Tensor& weight = *graph.value(layers[layer].weight).constant;
    return quant::fake_quantize(
        weight,
        quant::choose_qparams(
            weight,
            {.bits = width, .granularity = quant::Granularity::along(layers[layer].weight_axis)}));
  }
  LossTable measure() const {
    OutputError metric(layers, kWidths, [&](std::size_t l, BitWidth w) { return quantized(l, w); });
    runtime::Executor executor(graph);
    metric.add_batch(executor, graph, input);
    return metric.result();
  }
};

/// The definition, by running the whole network for every entry.
double by_definition(const Fixture& fixture, std::size_t layer, BitWidth width) {
  graph::Graph changed = fixture.graph;
  changed.mutable_value(fixture.layers[layer].weight).constant = fixture.quantized(layer, width);
  const auto y = runtime::Executor(fixture.graph).run(fixture.input).front();
  const auto q = runtime::Executor(changed).run(fixture.input).front();
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < y.data<float>().size(); ++i) {
    const double d = static_cast<double>(q.data<float>()[i]) - y.data<float>()[i];
    error += d * d;
    norm += static_cast<double>(y.data<float>()[i]) * y.data<float>()[i];
  }
  return error / norm;
}

TEST(OutputError, EqualsItsDefinitionThoughThePrefixIsReused) {
  const Fixture fixture;
  const LossTable table = fixture.measure();
  for (std::size_t l = 0; l < fixture.layers.size(); ++l) {
    for (std::size_t w = 0; w < kWidths.size(); ++w) {
      const double expected = by_definition(fixture, l, kWidths[w]);
      EXPECT_NEAR(table.at(l, w), expected, 1e-4 * expected + 1e-9) << l << " " << w;
    }
  }
}

TEST(OutputError, NeverGrowsWithTheWidth) {
  const LossTable table = Fixture().measure();
  for (std::size_t l = 0; l * kWidths.size() < table.values.size(); ++l) {
    for (std::size_t w = 1; w < kWidths.size(); ++w) EXPECT_LE(table.at(l, w), table.at(l, w - 1));
  }
}

TEST(OutputError, LeavesTheExecutorAsItWas) {
  const Fixture fixture;
  OutputError metric(
      fixture.layers, kWidths, [&](std::size_t l, BitWidth w) { return fixture.quantized(l, w); });
  runtime::Executor executor(fixture.graph);
  const auto before = executor.run(fixture.input);
  metric.add_batch(executor, fixture.graph, fixture.input);
  EXPECT_TRUE(executor.run(fixture.input).front().equals(before.front()));
}

TEST(OutputError, RefusesANetworkThatSaysNothing) {
  Fixture fixture;
  fixture.input = {Tensor(DataType::Float32, {2, 3, 8, 8})};
  graph::Graph& graph = fixture.graph;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    auto& value = graph.mutable_value(static_cast<graph::ValueId>(i));
    if (value.constant && value.constant->type() == DataType::Float32) {
      value.constant = Tensor(DataType::Float32, value.constant->shape());
    }
  }
  EXPECT_THROW((void)fixture.measure(), DataError);
}

}  // namespace
}  // namespace ompq::sensitivity

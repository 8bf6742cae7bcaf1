#include <algorithm>

#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/search/search.h"
#include "pipeline/small_model.h"
#include "support/paths.h"
#include "support/zoo.h"

namespace ompq::search {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

constexpr std::int64_t kImage = 16;
const testing::zoo::Options kSmall{.image_size = kImage, .classes = 5, .width = 0.25};

/// The same network with its nodes in an order that was drawn from all that are possible.
Graph shuffled(const Graph& graph, std::uint64_t seed) {
  Graph result;
  result.name = graph.name;
  result.opset = graph.opset;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const graph::Value& value = graph.value(id);
    const auto& inputs = graph.inputs();
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) {
      (void)result.add_input(value.name, value.type, value.shape.value());
    } else {
      (void)result.add_value(value);
    }
  }
  std::vector<bool> made(graph.values().size(), false);
  std::vector<NodeId> waiting;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) waiting.push_back(static_cast<NodeId>(i));
  const auto is_ready = [&](NodeId id) {
    return std::ranges::all_of(graph.node(id).inputs, [&](ValueId input) {
      return input == graph::kNoValue || graph.producer(input) == graph::kNoNode ||
             made[static_cast<std::size_t>(input)];
    });
  };
  Random random(seed);
  while (!waiting.empty()) {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (is_ready(waiting[i])) ready.push_back(i);
    }
    const std::size_t at = ready[random.below(ready.size())];
    for (const ValueId output : graph.node(waiting[at]).outputs) {
      if (output != graph::kNoValue) made[static_cast<std::size_t>(output)] = true;
    }
    (void)result.add_node(graph.node(waiting[at]));
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));
  }
  for (const ValueId output : graph.outputs()) result.mark_output(output);
  return result;
}

struct Written {
  std::vector<int> weight_bits;
  std::string bytes;
};

/// What comes of the network as a file.
Written quantized(const Graph& graph, const std::string& allocator) {
  const testing::TemporaryDirectory folder;
  onnx_io::export_onnx(graph, folder / "net.onnx");
  pipeline::Model model = pipeline::load_model(folder / "net.onnx");
  model.sha256 = "0";  // that of the file says in which order its nodes stand
  pipeline::Samples samples;
  Tensor x(DataType::Float32, {8, 3, kImage, kImage});
  Random random(3);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  samples.dataset = std::make_unique<testing::MemoryDataset>(std::move(x));
  for (std::int64_t i = 0; i < 8; ++i) samples.indices.push_back(i);
  SearchOptions options;
  options.allocator = allocator;
  options.beside = {};
  options.request.budget.average_bits = 4;
  Written written;
  written.weight_bits = search(model, samples, options).report.allocations.front().weight_bits;
  const std::vector<std::optional<int>> activation_bits(written.weight_bits.size(), 8);
  const auto activations = pipeline::calibrate(model, activation_bits, samples, {}, {});
  written.bytes = pipeline::export_file(
                      pipeline::quantize_network(model, written.weight_bits, activations, {}), {})
                      .model;
  return written;
}

struct Network {
  std::string name;
  Graph (*make)();
};

/// Two convolutions listed before their activations, the second one's activation first.
Graph side_by_side() {
  testing::GraphBuilder builder("side_by_side");
  const auto x = builder.input("input",
                               {graph::Dim::batch(),
                                graph::Dim::fixed(3),
                                graph::Dim::fixed(kImage),
                                graph::Dim::fixed(kImage)});
  const auto stem = builder.relu("relu", builder.conv("stem", x, {.out = 8, .kernel = 3}));
  const auto left = builder.conv("left", stem, {.out = 8, .kernel = 3, .bias = true});
  const auto right = builder.conv("right", stem, {.out = 8, .kernel = 3, .bias = true});
  const auto second = builder.relu("right.relu", right);
  const auto first = builder.relu("left.relu", left);
  const auto both = builder.global_average_pool("pool", builder.concat("both", {first, second}, 1));
  return builder.finish({builder.gemm("fc", builder.flatten("flat", both), 6)});
}

const std::vector<Network> kNetworks{
    {"SideBySide", side_by_side},
    {"Resnet20", [] { return testing::zoo::resnet20(testing::zoo::Shortcut::Projection, kSmall); }},
    {"MobileNet", [] { return testing::zoo::mobilenet_v2(kSmall); }},
    {"VisionTransformer", [] { return testing::zoo::vision_transformer(kSmall); }},
    {"Unet", [] { return testing::zoo::unet(kSmall); }},
    {"SqueezeNet", [] { return testing::zoo::squeeze_net(kSmall); }},
    {"EfficientNet", [] { return testing::zoo::efficient_net(kSmall); }},
    {"Assorted", [] { return testing::zoo::assorted(kSmall); }},
};

class NodeOrder : public ::testing::TestWithParam<Network> {};
INSTANTIATE_TEST_SUITE_P(Networks,
                         NodeOrder,
                         ::testing::ValuesIn(kNetworks),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(NodeOrder, DecidesNeitherTheBitsNorTheBytes) {
  const Graph graph = GetParam().make();
  const Written expected = quantized(graph, "output-mse");
  for (const std::uint64_t seed : {1, 2}) {
    const Written got = quantized(shuffled(graph, seed), "output-mse");
    EXPECT_EQ(got.weight_bits, expected.weight_bits) << "seed " << seed;
    EXPECT_TRUE(got.bytes == expected.bytes)
        << "seed " << seed << ": " << got.bytes.size() << " bytes, " << expected.bytes.size();
  }
}

TEST(NodeOrderOfAll, EveryAllocatorAnswersBranchesThatStandSideBySide) {
  const Graph graph = side_by_side();
  for (const AllocatorRow& row : allocator_table()) {
    const std::string name(row.name);
    const Written expected = quantized(graph, name);
    const Written got = quantized(shuffled(graph, 4), name);
    EXPECT_EQ(got.weight_bits, expected.weight_bits) << name;
    EXPECT_TRUE(got.bytes == expected.bytes) << name;
  }
}

}  // namespace
}  // namespace ompq::search

#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/inspect.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "support/graph_builder.h"
#include "support/judge.h"
#include "support/memory_dataset.h"
#include "support/paths.h"

// Networks whose last part chooses: how much comes out depends on the data.

namespace ompq::pipeline {
namespace {

using graph::Dim;
using graph::ValueId;
using onnx_io::WeightFormat;
using testing::GraphBuilder;
using testing::Judge;

constexpr std::int64_t kSide = 12;
constexpr std::int64_t kPlaces = kSide * kSide;

/// Boxes [1, places, 4] and scores [1, 3, places] of convolutions.
struct Heads {
  ValueId boxes;
  ValueId scores;
};

Heads heads(GraphBuilder& builder) {
  auto x = builder.input("x", {Dim::fixed(1), Dim::fixed(3), Dim::fixed(kSide), Dim::fixed(kSide)});
  x = builder.relu("relu", builder.conv("stem", x, {.out = 8, .kernel = 3, .bias = true}));
  const auto boxes = builder.reshape("rows",
                                     builder.conv("box", x, {.out = 4, .kernel = 1, .bias = true}),
                                     {1, 4, kPlaces},
                                     {Dim::fixed(1), Dim::fixed(4), Dim::fixed(kPlaces)});
  const auto scores =
      builder.reshape("flat",
                      builder.conv("class", x, {.out = 3, .kernel = 1, .bias = true}),
                      {1, 3, kPlaces},
                      {Dim::fixed(1), Dim::fixed(3), Dim::fixed(kPlaces)});
  return {builder.transpose("boxes", boxes, {0, 2, 1}), builder.unary("Sigmoid", "scores", scores)};
}

ValueId number(GraphBuilder& builder, const std::string& name, float value) {
  return builder.constant(name, Tensor::from<float>({1}, {value}));
}

ValueId whole(GraphBuilder& builder, const std::string& name, std::int64_t value) {
  return builder.constant(name, Tensor::from<std::int64_t>({1}, {value}));
}

graph::Graph with_non_max_suppression(int opset) {
  GraphBuilder builder("detector", 1, opset);
  const Heads made = heads(builder);
  const auto chosen = builder.op({"nms",
                                  "NonMaxSuppression",
                                  "",
                                  {made.boxes,
                                   made.scores,
                                   whole(builder, "most", 5),
                                   number(builder, "overlap", 0.5F),
                                   number(builder, "least", 0.3F)}},
                                 {Dim::batch(), Dim::fixed(3)},
                                 DataType::Int64);
  const auto place = builder.op(
      {"place", "Gather", "", {chosen, whole(builder, "two", 2)}, {}, {{"axis", std::int64_t{1}}}},
      {Dim::batch(), Dim::fixed(1)},
      DataType::Int64);
  const auto picked =
      builder.op({"picked", "Gather", "", {made.boxes, place}, {}, {{"axis", std::int64_t{1}}}},
                 {Dim::fixed(1), Dim::batch(), Dim::fixed(1), Dim::fixed(4)});
  return builder.finish({picked, chosen});
}

ValueId above_half(GraphBuilder& builder, ValueId scores) {
  return builder.op({"above", "Greater", "", {scores, number(builder, "half", 0.5F)}},
                    builder.shape(scores),
                    DataType::Bool);
}

graph::Graph with_non_zero() {
  GraphBuilder builder("places");
  const Heads made = heads(builder);
  const auto places = builder.op({"places", "NonZero", "", {above_half(builder, made.scores)}},
                                 {Dim::fixed(3), Dim::batch()},
                                 DataType::Int64);
  return builder.finish({places, made.boxes});
}

graph::Graph with_compress() {
  GraphBuilder builder("kept");
  const Heads made = heads(builder);
  const auto flat = builder.reshape("all", made.scores, {-1}, {Dim::fixed(3 * kPlaces)});
  const auto kept =
      builder.op({"kept", "Compress", "", {flat, above_half(builder, flat)}}, {Dim::batch()});
  return builder.finish({kept});
}

graph::Graph with_unique() {
  GraphBuilder builder("classes");
  const Heads made = heads(builder);
  const auto best = builder.op({"best",
                                "ArgMax",
                                "",
                                {made.scores},
                                {},
                                {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}}},
                               {Dim::fixed(1), Dim::fixed(kPlaces)},
                               DataType::Int64);
  return builder.finish(
      {builder.op({"unique", "Unique", "", {best}}, {Dim::batch()}, DataType::Int64)});
}

struct ChoosingNetwork {
  std::string name;
  graph::Graph graph;
  std::vector<std::string> copied;    ///< nodes
  std::vector<std::string> measured;  ///< outputs of what runs
};

std::vector<ChoosingNetwork> choosing_networks() {
  const std::vector<std::string> nms{"nms", "place", "picked"};
  const std::vector<std::string> heads{"boxes", "scores"};
  return {{"nms 10", with_non_max_suppression(10), nms, heads},
          {"nms 11", with_non_max_suppression(11), nms, heads},
          {"nms 17", with_non_max_suppression(17), nms, heads},
          {"NonZero", with_non_zero(), {"places"}, {"above", "boxes"}},
          {"Compress", with_compress(), {"kept"}, {"all", "above"}},
          {"Unique", with_unique(), {"unique"}, {"best"}}};
}

Model loaded_choosing(const graph::Graph& graph, const std::filesystem::path& file) {
  onnx_io::export_onnx(graph, file, {.format = WeightFormat::Float});
  return load_model(file);
}

std::string value_name_stem(const std::string& name) { return name.substr(0, name.find('_')); }

TEST(DataDependentEnd, IsLeftOutOfWhatRunsAndShown) {
  const testing::TemporaryDirectory folder;
  for (const ChoosingNetwork& network : choosing_networks()) {
    const Model model = loaded_choosing(network.graph, folder / "float.onnx");
    std::vector<std::string> copied;
    for (const auto& row : inspect(model).copied) copied.push_back(row.name);
    EXPECT_EQ(copied, network.copied) << network.name;
    std::vector<std::string> outputs;
    for (const ValueId id : model.graph.outputs()) {
      outputs.push_back(value_name_stem(model.graph.value(id).name));
    }
    EXPECT_EQ(outputs, network.measured) << network.name;
    EXPECT_EQ(inspect(model).outputs.front().name,
              network.graph.value(network.graph.outputs().front()).name)
        << network.name;
  }
}

/// Whatever is chosen is chosen of the same numbers.
void expect_equal_tensors(const std::vector<Tensor>& made,
                          const std::vector<Tensor>& wanted,
                          const std::string& label) {
  ASSERT_EQ(made.size(), wanted.size()) << label;
  for (std::size_t o = 0; o < made.size(); ++o) {
    ASSERT_EQ(made[o].type(), wanted[o].type()) << label;
    ASSERT_EQ(made[o].shape(), wanted[o].shape()) << label;
    const auto a = made[o].to_floats();
    const auto b = wanted[o].to_floats();
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-5 * std::max(1.0F, std::abs(b[i])))
          << label << ", output " << o << ", element " << i;
    }
  }
}

TEST(DataDependentEnd, IsInTheWrittenFileAsItWas) {
  OMPQ_JUDGE_OR_SKIP(Judge::Python);
  const testing::TemporaryDirectory folder;
  const Tensor x = testing::normal_samples({1, 3, kSide, kSide}, 3);
  std::vector<testing::JudgeJob> jobs;
  std::vector<std::string> labels;
  for (const ChoosingNetwork& network : choosing_networks()) {
    const auto given = folder / fmt::format("{}.onnx", network.name);
    const Model model = loaded_choosing(network.graph, given);
    Samples samples;
    samples.dataset =
        std::make_unique<testing::MemoryDataset>(testing::normal_samples({8, 3, kSide, kSide}, 4));
    samples.indices = testing::all_indices(8);
    const std::size_t layers = model.discovery.layers.size();
    const std::vector<int> bits(layers, 8);
    const auto activations =
        calibrate(model, std::vector<std::optional<int>>(layers, 8), samples, {}, {});
    const QuantizedNetwork quantized = quantize_network(model, bits, activations, {});
    const QuantizedNetwork unchanged =
        quantize_network(model, std::vector<int>(layers, allocation::kFloatBits), {}, {});
    const auto add = [&](const QuantizedNetwork& made, WeightFormat format, const std::string& as) {
      const auto file = folder / fmt::format("{}.onnx", jobs.size());
      onnx_io::write_onnx_file(file, export_file(made, {.format = format}));
      jobs.push_back({file, {{"x", x}}});
      labels.push_back(network.name + ", " + as);
    };
    jobs.push_back({given, {{"x", x}}});
    labels.push_back(network.name + ", given");
    add(unchanged, WeightFormat::Float, "unchanged");
    add(quantized, WeightFormat::Packed, "packed");
    add(quantized, WeightFormat::Qdq, "qdq");
    add(quantized, WeightFormat::Float, "float");
  }
  const auto answers = run_jobs(Judge::Python, jobs);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_EQ(answers[i].refusal, "") << labels[i];
    EXPECT_GT(answers[i].outputs.front().elements(), 0) << labels[i] << ": nothing was chosen";
  }
  for (std::size_t i = 0; i < answers.size(); i += 5) {
    expect_equal_tensors(answers[i + 1].outputs, answers[i].outputs, labels[i + 1]);
    expect_equal_tensors(answers[i + 3].outputs, answers[i + 2].outputs, labels[i + 3]);
    expect_equal_tensors(answers[i + 4].outputs, answers[i + 2].outputs, labels[i + 4]);
  }
}

TEST(DataDependentEnd, IsRefusedWhereALayerReadsIt) {
  const testing::TemporaryDirectory folder;
  GraphBuilder builder("second stage");
  const Heads made = heads(builder);
  const auto kept = builder.op(
      {"kept",
       "Compress",
       "",
       {made.boxes,
        above_half(builder, builder.reshape("some", made.scores, {-1}, {Dim::fixed(3 * kPlaces)}))},
       {},
       {{"axis", std::int64_t{1}}}},
      {Dim::fixed(1), Dim::batch(), Dim::fixed(4)});
  const auto graph = builder.finish({builder.linear("refine", kept, 4)});
  try {
    (void)loaded_choosing(graph, folder / "float.onnx");
    FAIL() << "a layer over data-dependent shapes was accepted";
  } catch (const UnsupportedOp& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("Compress node 'kept'"));
  }
}

}  // namespace
}  // namespace ompq::pipeline

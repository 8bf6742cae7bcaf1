#include <cmath>

#include <gtest/gtest.h>

#include "ompq/distillation/distillation.h"
#include "ompq/distillation/distilled_network.h"
#include "ompq/reconstruction/block_fisher.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/input_moments.h"
#include "reconstruction/block_cases.h"
#include "support/graph_builder.h"

/// Networks whose activations are not one sample after the other.
namespace ompq::distillation {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ompq::testing::GraphBuilder;
using reconstruction::cases::test_network;
using reconstruction::cases::TestNetwork;

constexpr std::int64_t kLayoutSamples = 22;  // no multiple of 4

/// Queries that are the same for every sample, as many times as there are samples, attend to its
/// tokens.
Graph queries() {
  GraphBuilder b("queries", 21);
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(6), Dim::fixed(12)});
  const ValueId shape = b.op({.name = "shape",
                              .op_type = "Shape",
                              .inputs = {x},
                              .attributes = {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}}},
                             {Dim::fixed(1)},
                             DataType::Int64);
  const ValueId rest = b.constant("rest", Tensor::from<std::int64_t>({2}, {4, 12}));
  const ValueId target = b.op({.name = "target",
                               .op_type = "Concat",
                               .inputs = {shape, rest},
                               .attributes = {{"axis", std::int64_t{0}}}},
                              {Dim::fixed(3)},
                              DataType::Int64);
  const ValueId query = b.normal_constant("query", {1, 4, 12}, 1.0);
  const ValueId all = b.op({.name = "expand", .op_type = "Expand", .inputs = {query, target}},
                           {Dim::batch(), Dim::fixed(4), Dim::fixed(12)});
  const ValueId q = b.linear("q", all, 12, false);
  const ValueId k = b.linear("k", x, 12, false);
  const ValueId scores =
      b.op({.name = "scores", .op_type = "MatMul", .inputs = {q, b.transpose("kt", k, {0, 2, 1})}},
           {Dim::batch(), Dim::fixed(4), Dim::fixed(6)});
  const ValueId seen =
      b.op({.name = "seen",
            .op_type = "MatMul",
            .inputs = {b.unary("Softmax", "weights", scores), b.linear("v", x, 12, false)}},
           {Dim::batch(), Dim::fixed(4), Dim::fixed(12)});
  return b.finish({b.linear("boxes", seen, 4)});
}

/// Layers over tokens with samples on the second axis, as recurrent networks have them.
Graph time_first() {
  GraphBuilder b("time_first", 22);
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(5), Dim::fixed(8)});
  const ValueId turned = b.transpose("turn", x, {1, 0, 2});
  const ValueId a = b.relu("relu", b.linear("a", turned, 16));
  const ValueId y = b.transpose("back", b.linear("c", a, 8), {1, 0, 2});
  return b.finish({b.linear("last", y, 3)});
}

/// Four windows of each image go through convolutions as images of their own.
Graph windows() {
  GraphBuilder b("windows", 23);
  const ValueId x = b.input("input", {Dim::batch(), Dim::fixed(4), Dim::fixed(6), Dim::fixed(6)});
  const ValueId cut = b.reshape(
      "cut", x, {-1, 2, 6, 6}, {Dim::batch(2), Dim::fixed(2), Dim::fixed(6), Dim::fixed(6)});
  const ValueId a = b.relu("a.relu", b.conv("a", cut, {.out = 6, .kernel = 3, .bias = true}));
  const ValueId c = b.conv("c", a, {.out = 4, .kernel = 1, .bias = true});
  const ValueId joined = b.reshape(
      "joined", c, {-1, 8, 6, 6}, {Dim::batch(), Dim::fixed(8), Dim::fixed(6), Dim::fixed(6)});
  return b.finish({b.conv("last", joined, {.out = 3, .kernel = 1, .bias = true})});
}

/// One convolution per batch of a fixed number of samples.
Graph fixed_images() {
  GraphBuilder b("fixed_images", 24);
  const ValueId x = b.input("input", {Dim::fixed(4), Dim::fixed(3), Dim::fixed(6), Dim::fixed(6)});
  const ValueId a = b.relu("a.relu", b.conv("a", x, {.out = 6, .kernel = 3, .bias = true}));
  return b.finish({b.conv("c", a, {.out = 4, .kernel = 1, .bias = true})});
}

struct Layout {
  std::string name;
  Graph (*make)();
};

class SampleLayout : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(Networks,
                         SampleLayout,
                         ::testing::Values(Layout{"Queries", queries},
                                           Layout{"TimeFirst", time_first},
                                           Layout{"Windows", windows},
                                           Layout{"FixedImages", fixed_images}),
                         [](const auto& tested) { return tested.param.name; });

reconstruction::ReconstructionOptions quick(reconstruction::BlockMethod method) {
  reconstruction::ReconstructionOptions options{.method = method};
  options.training.iterations = 60;
  options.training.batch = 8;
  options.training.threads = 2;
  options.forward_batch = 8;
  return options;
}

/// Sums of what the blocks' reports say.
struct Loss {
  double before = 0.0;
  double after = 0.0;
};
Loss total(const reconstruction::Reconstruction& made) {
  Loss sum;
  for (const reconstruction::BlockReport& report : made.reports) {
    EXPECT_TRUE(std::isfinite(report.loss_after)) << report.name;
    EXPECT_LE(report.loss_after, report.loss_before) << report.name;
    sum.before += report.loss_before;
    sum.after += report.loss_after;
  }
  return sum;
}

TEST_P(SampleLayout, IsReconstructed) {
  const TestNetwork network = test_network(GetParam().make(), 3, 8, kLayoutSamples);
  for (const reconstruction::ErrorWeight weight :
       {reconstruction::ErrorWeight::Plain, reconstruction::ErrorWeight::Fisher}) {
    reconstruction::ReconstructionOptions options = quick(reconstruction::BlockMethod::Learn);
    options.weight = weight;
    const Loss loss = total(reconstruction::reconstruct(network.request(), options));
    EXPECT_LT(loss.after, loss.before);
  }
}

TEST_P(SampleLayout, IsRoundedWithCompensation) {
  TestNetwork network = test_network(GetParam().make(), 3, 8, kLayoutSamples);
  network.parts.blocks = rounding::layer_blocks(network.graph, network.parts.layers);
  const reconstruction::Reconstruction made = reconstruction::reconstruct(
      network.request(), quick(reconstruction::BlockMethod::Compensate));
  const Loss loss = total(made);
  EXPECT_LT(loss.after, loss.before);
  for (const reconstruction::BlockReport& report : made.reports) {
    EXPECT_GT(report.loss_before, 0.0) << report.name << " was not gathered";
  }
}

/// The moments of both layers' inputs.
std::vector<std::vector<rounding::InputMoments>> moments_of(const Graph& graph,
                                                            const Tensor& samples) {
  ompq::testing::MemoryDataset dataset(samples);
  const graph::Discovery parts = graph::discover(graph);
  const auto blocks = rounding::layer_blocks(graph, parts.layers);
  const auto indices = ompq::testing::all_indices(samples.shape().front());
  std::vector<std::vector<rounding::InputMoments>> found(parts.layers.size());
  reconstruction::ReconstructionOptions options = quick(reconstruction::BlockMethod::Visit);
  options.visit = [&](std::size_t layer, const rounding::LayerInputs& inputs) {
    found[layer] = rounding::input_moments(graph, parts.layers[layer], inputs, {});
  };
  (void)reconstruction::reconstruct({graph, parts.layers, blocks, {}, dataset, indices}, options);
  return found;
}

TEST(FillingOfTheLastPass, CountsForNothingInTheMoments) {
  const Graph fixed = fixed_images();
  Graph open = fixed;
  for (std::size_t i = 0; i < open.values().size(); ++i) {
    auto& value = open.mutable_value(static_cast<ValueId>(i));
    if (!value.constant) value.shape->front() = Dim::batch();
  }
  const Tensor samples = ompq::testing::normal_samples({kLayoutSamples, 3, 6, 6}, 5);
  const auto expected = moments_of(open, samples);
  const auto got = moments_of(fixed, samples);
  for (std::size_t l = 0; l < expected.size(); ++l) {
    ASSERT_EQ(got[l].size(), expected[l].size());
    EXPECT_EQ(got[l][0].positions, expected[l][0].positions);
    for (std::size_t i = 0; i < expected[l][0].second.values.size(); ++i) {
      // Elements of the caches are 16 bits of a row's, and rows differ.
      EXPECT_NEAR(got[l][0].second.values[i], expected[l][0].second.values[i], 2e-3) << l << i;
    }
  }
}

/// Rows of token ids.
class Ids final : public data::Dataset {
 public:
  [[nodiscard]] std::int64_t size() const override { return kLayoutSamples; }
  [[nodiscard]] bool has_labels() const override { return false; }
  [[nodiscard]] std::string sample_name(std::int64_t index) const override {
    return std::to_string(index);
  }
  [[nodiscard]] data::Batch load(const std::vector<std::int64_t>& indices) override {
    std::vector<std::int64_t> ids;
    for (const std::int64_t index : indices) {
      for (std::int64_t t = 0; t < 4; ++t) ids.push_back((index * 7919 + t * 104729) % 40000);
    }
    data::Batch batch;
    batch.size = static_cast<std::int64_t>(indices.size());
    batch.inputs.push_back(Tensor::from<std::int64_t>({batch.size, 4}, ids));
    return batch;
  }
};

TEST(TokenIds, ReachTheEmbeddingAsTheyAre) {
  GraphBuilder b("tokens", 25);
  graph::Graph& graph = b.graph();
  const ValueId ids = graph.add_input("ids", DataType::Int64, {Dim::batch(), Dim::fixed(4)});
  // Each row of the table is its own number, so that a wrong id shows.
  std::vector<float> table;
  for (int i = 0; i < 40000; ++i) table.push_back(static_cast<float>(i));
  const ValueId rows = b.constant("table", Tensor::from<float>({40000, 1}, table));
  const ValueId x = b.op({.name = "embedding", .op_type = "Gather", .inputs = {rows, ids}},
                         {Dim::batch(), Dim::fixed(4), Dim::fixed(1)});
  const Graph made = b.finish({b.linear("fc", x, 3)});
  const graph::Discovery parts = graph::discover(made);
  Ids dataset;
  const auto indices = ompq::testing::all_indices(kLayoutSamples);
  reconstruction::ReconstructionOptions options = quick(reconstruction::BlockMethod::Visit);
  int seen = 0;
  options.visit = [&](std::size_t layer, const rounding::LayerInputs& inputs) {
    if (parts.layers[layer].name != "fc") return;
    ++seen;
    const data::Batch all = dataset.load(indices);
    std::vector<float> row(4);
    for (std::int64_t s = 0; s < kLayoutSamples; ++s) {
      inputs.exact->read(s, row);
      for (std::size_t t = 0; t < 4; ++t) {
        const auto id =
            all.inputs.front().data<std::int64_t>()[static_cast<std::size_t>(s) * 4 + t];
        // The embedding's own cache rounds to a 65534th of its greatest.
        EXPECT_NEAR(row[t], static_cast<float>(id), 40000.0 / 65534) << s << ", " << t;
      }
    }
  };
  const auto blocks = rounding::layer_blocks(made, parts.layers);
  (void)reconstruction::reconstruct({made, parts.layers, blocks, {}, dataset, indices}, options);
  EXPECT_EQ(seen, 1);
}

TEST(Distill, SaysWhichNetworksItCannotTune) {
  EXPECT_FALSE(unsupported_reason(queries()).has_value());
  EXPECT_FALSE(unsupported_reason(fixed_images()).has_value());
  GraphBuilder b("two", 26);
  const ValueId x = b.input("x", {Dim::batch(), Dim::fixed(4)});
  const ValueId y = b.input("y", {Dim::batch(), Dim::fixed(4)});
  EXPECT_TRUE(unsupported_reason(b.finish({b.gemm("fc", b.add("sum", x, y), 3)})));
}

TEST(Distill, TunesANetworkThatTakesAFixedNumberOfSamples) {
  const TestNetwork network = test_network(fixed_images(), 2, 8, kLayoutSamples);
  DistillationOptions options;
  options.epochs = 4;
  options.batch = 2;
  options.threads = 2;
  options.held_out = 0.25;
  const Distillation made = distill({network.graph,
                                     network.parts.layers,
                                     network.parts.blocks,
                                     network.initial,
                                     *network.dataset,
                                     network.indices},
                                    options);
  EXPECT_GT(made.steps, 0);
  EXPECT_LE(made.loss_after, made.loss_before);
}

}  // namespace
}  // namespace ompq::distillation

#include "ompq/diagnosis/diff.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/report/json.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::diagnosis {
namespace {

constexpr std::int64_t kDiffSamples = 16;

/// Written by `quantize_network` and read back from the file.
pipeline::Model read_back(const pipeline::Model& model,
                          const std::vector<int>& weight_bits,
                          const rounding::ActivationQuantizers& activations,
                          onnx_io::WeightFormat format) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "small.onnx";
  const pipeline::QuantizedNetwork network =
      pipeline::quantize_network(model, weight_bits, activations, {});
  onnx_io::export_onnx(network.graph, file, {.format = format, .quantized = network.weights});
  return pipeline::load_model(file);
}

std::vector<int> same_widths(const pipeline::Model& model, int bits) {
  return std::vector<int>(model.discovery.layers.size(), bits);
}

rounding::ActivationQuantizers activations(const pipeline::Model& model, int bits) {
  pipeline::Samples samples = pipeline::small_samples(kDiffSamples);
  const auto& layers = model.discovery.layers;
  return rounding::calibrate_activations(model.graph,
                                         layers,
                                         std::vector<BitWidth>(layers.size(), BitWidth(bits)),
                                         *samples.dataset,
                                         samples.indices,
                                         {});
}

report::Diff differing(const pipeline::Model& a,
                       const pipeline::Model& b,
                       DiffOptions options = {}) {
  pipeline::Samples samples = pipeline::small_samples(kDiffSamples);
  options.executor.threads = 1;
  return diff(a, b, samples, options);
}

/// The same network under names that say nothing of it.
pipeline::Model renamed(pipeline::Model model) {
  for (std::size_t n = 0; n < model.graph.nodes().size(); ++n) {
    model.graph.mutable_node(static_cast<graph::NodeId>(n)).name =
        std::string("n").append(std::to_string(n));
  }
  for (auto& layer : model.discovery.layers) layer.name = model.graph.node(layer.node).name;
  return model;
}

TEST(Diff, FindsANetworkEqualToItself) {
  const pipeline::Model model = pipeline::small_model();
  const auto result = differing(model, model);
  ASSERT_EQ(result.rows.size(), model.discovery.layers.size() + 1);
  for (const auto& row : result.rows) {
    EXPECT_TRUE(row.equal) << row.layer;
    EXPECT_FALSE(row.diverged) << row.layer;
    EXPECT_FALSE(row.snr_db) << row.layer;
    EXPECT_EQ(row.largest_difference, 0) << row.layer;
    EXPECT_NEAR(*row.cosine, 1, 1e-12) << row.layer;
    EXPECT_EQ(row.matched_by, "value name") << row.layer;
  }
  EXPECT_FALSE(first_diverged(result));
  EXPECT_EQ(result.agreement, 1.0);
  EXPECT_EQ(result.samples.count, kDiffSamples);
}

TEST(Diff, MatchesEveryLayerOfAPackedFile) {
  const pipeline::Model model = pipeline::small_model();
  for (const int bits : {8, 4}) {
    const pipeline::Model packed = read_back(
        model, same_widths(model, 4), activations(model, bits), onnx_io::WeightFormat::Packed);
    const auto result = differing(model, packed);
    EXPECT_TRUE(result.only_in_a.empty());
    EXPECT_TRUE(result.only_in_b.empty());
    ASSERT_EQ(result.rows.size(), model.discovery.layers.size() + 1);
    for (const auto& row : result.rows) {
      EXPECT_EQ(row.layer, row.layer_b);
      EXPECT_TRUE(row.snr_db) << row.layer;
    }
    for (std::size_t l = 0; l < model.discovery.layers.size(); ++l) {
      EXPECT_EQ(result.rows[l].value_a, model.graph.value(model.discovery.layers[l].feature).name);
    }
  }
}

TEST(Diff, SaysTheSameOfAPackedFileAndOfOneWithValueNames) {
  const pipeline::Model model = pipeline::small_model();
  const auto quantizers = activations(model, 4);
  const auto packed = differing(
      model, read_back(model, same_widths(model, 3), quantizers, onnx_io::WeightFormat::Packed));
  const auto plain = differing(
      model, read_back(model, same_widths(model, 3), quantizers, onnx_io::WeightFormat::Float));
  ASSERT_EQ(packed.rows.size(), plain.rows.size());
  for (std::size_t r = 0; r < plain.rows.size(); ++r) {
    EXPECT_EQ(plain.rows[r].matched_by, "value name");
    EXPECT_NEAR(*packed.rows[r].snr_db, *plain.rows[r].snr_db, 1e-9) << plain.rows[r].layer;
    EXPECT_EQ(packed.rows[r].largest_difference, plain.rows[r].largest_difference);
  }
  EXPECT_EQ(packed.agreement, plain.agreement);
}

TEST(Diff, MatchesByOrderWhereNamesDiffer) {
  const pipeline::Model model = pipeline::small_model();
  const auto quantizers = activations(model, 4);
  const pipeline::Model packed =
      read_back(model, same_widths(model, 3), quantizers, onnx_io::WeightFormat::Packed);
  const auto named = differing(model, packed);
  const auto nameless = differing(model, renamed(packed));
  ASSERT_EQ(nameless.rows.size(), named.rows.size());
  for (std::size_t r = 0; r + 1 < named.rows.size(); ++r) {
    EXPECT_EQ(nameless.rows[r].matched_by, "order") << named.rows[r].layer;
    EXPECT_NEAR(*nameless.rows[r].snr_db, *named.rows[r].snr_db, 1e-9) << named.rows[r].layer;
  }
}

TEST(Diff, WorksBothWaysRound) {
  const pipeline::Model model = pipeline::small_model();
  const pipeline::Model packed =
      read_back(model, same_widths(model, 3), activations(model, 4), onnx_io::WeightFormat::Packed);
  const auto forth = differing(model, packed);
  const auto back = differing(packed, model);
  ASSERT_EQ(forth.rows.size(), back.rows.size());
  for (std::size_t r = 0; r < forth.rows.size(); ++r) {
    EXPECT_EQ(forth.rows[r].largest_difference, back.rows[r].largest_difference);
    EXPECT_NEAR(*forth.rows[r].cosine, *back.rows[r].cosine, 1e-12);
  }
  EXPECT_EQ(forth.agreement, back.agreement);
}

TEST(Diff, NamesTheFirstLayerThatParts) {
  const pipeline::Model model = pipeline::small_model();
  auto bits = same_widths(model, allocation::kFloatBits);
  bits[2] = 2;
  const pipeline::Model changed = read_back(model, bits, {}, onnx_io::WeightFormat::Packed);
  const auto result = differing(model, changed);
  ASSERT_TRUE(first_diverged(result));
  EXPECT_EQ(first_diverged(result), &result.rows[2]);
  EXPECT_TRUE(result.rows[0].equal);
  EXPECT_TRUE(result.rows[1].equal);
  const auto json = nlohmann::json::parse(report::to_json(result));
  EXPECT_EQ(json["format"], "ompq-diff/2");
  EXPECT_EQ(json["first_diverged"], model.discovery.layers[2].name);
  // A threshold that everything passes.
  EXPECT_FALSE(first_diverged(differing(model, changed, {.threshold_db = -1000})));
}

TEST(Diff, LetsNoNanPass) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Model broken = model;
  broken.graph.mutable_value(model.discovery.layers[4].weight)
      .constant->mutable_data<float>()
      .front() = std::numeric_limits<float>::quiet_NaN();
  const auto result = differing(model, broken);
  ASSERT_TRUE(first_diverged(result));
  EXPECT_EQ(first_diverged(result), &result.rows[4]);
  EXPECT_FALSE(result.rows[4].finite);
  EXPECT_TRUE(nlohmann::json::accept(report::to_json(result)));
}

TEST(Diff, HasTheSameResultForEveryBatchSize) {
  const pipeline::Model model = pipeline::small_model();
  const pipeline::Model packed =
      read_back(model, same_widths(model, 4), activations(model, 8), onnx_io::WeightFormat::Packed);
  const auto whole = differing(model, packed, {.batch_size = kDiffSamples});
  const auto parts = differing(model, packed, {.batch_size = 5});
  for (std::size_t r = 0; r < whole.rows.size(); ++r) {
    EXPECT_NEAR(*whole.rows[r].snr_db, *parts.rows[r].snr_db, 1e-3) << whole.rows[r].layer;
  }
}

TEST(Diff, ListsLayersThatOneNetworkAloneHas) {
  const pipeline::Model model = pipeline::small_model();
  const pipeline::Model wider = pipeline::small_model(16);
  const auto result = differing(model, renamed(wider));
  // Both read the same inputs and give six classes; no layer has the other's weight shape.
  EXPECT_EQ(result.only_in_a.size(), model.discovery.layers.size());
  EXPECT_EQ(result.only_in_b.size(), wider.discovery.layers.size());
  ASSERT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.rows[0].op_type, "output");
}

pipeline::Model tiny(const std::string& name, std::int64_t size, std::int64_t classes) {
  testing::GraphBuilder builder(name);
  const auto x = builder.input("in", {graph::Dim::batch(), graph::Dim::fixed(size)});
  pipeline::Model model;
  model.file = name + ".onnx";
  model.graph = builder.finish({builder.gemm(name + "_fc", x, classes)});
  model.discovery = graph::discover(model.graph);
  return model;
}

TEST(Diff, NamesBothNetworksWhereInputsDiffer) {
  pipeline::Samples samples = pipeline::small_samples(kDiffSamples);
  try {
    (void)diff(pipeline::small_model(), tiny("other", 12, 6), samples, {});
    FAIL() << "accepted different inputs";
  } catch (const ShapeError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("small.onnx"), std::string::npos) << message;
    EXPECT_NE(message.find("other.onnx"), std::string::npos) << message;
  }
}

TEST(Diff, NamesBothNetworksWhereNothingIsTheSame) {
  pipeline::Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(testing::normal_samples({4, 12}, 1));
  samples.indices = {0, 1, 2, 3};
  try {
    (void)diff(tiny("six", 12, 6), tiny("seven", 12, 7), samples, {});
    FAIL() << "compared networks without a common value";
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("six.onnx"), std::string::npos) << message;
    EXPECT_NE(message.find("seven.onnx"), std::string::npos) << message;
  }
}

TEST(Diff, RefusesNoSamples) {
  const pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(kDiffSamples);
  samples.indices.clear();
  EXPECT_THROW((void)diff(model, model, samples, {}), DataError);
}

}  // namespace
}  // namespace ompq::diagnosis

#include "ompq/pipeline/file_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/version.h"
#include "ompq/pipeline/inspect.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/pipeline/network.h"
#include "ompq/report/json.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::pipeline {
namespace {

using allocation::kFloatBits;
using ::testing::ElementsAre;

FileMetadata sample() {
  return {.version = "1.2.3",
          .float_sha256 = "abc",
          .weight_bits = {3, kFloatBits, 8},
          .activation_bits = {8, 8, kFloatBits},
          .budget = "avg-bits=3.5"};
}

TEST(FileMetadata, ReadsBackAsItWasWritten) {
  const auto read = read_file_metadata(to_metadata(sample()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->float_sha256, "abc");
  EXPECT_THAT(read->weight_bits, ElementsAre(3, kFloatBits, 8));
  EXPECT_THAT(read->activation_bits, ElementsAre(8, 8, kFloatBits));
  EXPECT_EQ(read->budget, "avg-bits=3.5");
}

TEST(FileMetadata, TakesALetterALayerAndOneForActivationsThatAgree) {
  FileMetadata note = sample();
  EXPECT_EQ(to_metadata(note)["ompq.weight_bits"], "3f8");
  EXPECT_EQ(to_metadata(note)["ompq.activation_bits"], "88f");
  note.activation_bits = {4, 4, 4};
  EXPECT_EQ(to_metadata(note)["ompq.activation_bits"], "4");
  EXPECT_THAT(read_file_metadata(to_metadata(note))->activation_bits, ElementsAre(4, 4, 4));
}

TEST(FileMetadata, IsNoneWhereAnEntryIsMissingOrDoesNotRead) {
  for (const auto& [key, value] : to_metadata(sample())) {
    auto metadata = to_metadata(sample());
    metadata.erase(key);
    EXPECT_EQ(read_file_metadata(metadata).has_value(), key == kBudgetKey) << key;
  }
  auto metadata = to_metadata(sample());
  metadata["ompq.weight_bits"] = "3 9";
  EXPECT_FALSE(read_file_metadata(metadata));
  metadata["ompq.weight_bits"] = "33";
  EXPECT_FALSE(read_file_metadata(metadata)) << "three activations for two weights";
}

TEST(Inspect, SaysHowAFileWasMade) {
  const testing::TemporaryDirectory folder;
  const Model model = small_model();
  rounding::ActivationQuantizers activations;
  for (const auto& layer : model.discovery.layers) {
    activations[layer.input] = {.bits = BitWidth(6), .scale = {0.25F}, .zero_point = {1}};
  }
  const QuantizedNetwork network =
      quantize_network(model, {3, 4, kFloatBits, 2, 8}, activations, {});
  const auto content = export_file(network, {.budget = "size=9000"});
  onnx_io::write_onnx_file(folder / "small.onnx", content);
  const report::Inspection inspection = inspect(load_model(folder / "small.onnx"));
  ASSERT_TRUE(inspection.quantization);
  EXPECT_EQ(inspection.quantization->version, version());
  const auto json = nlohmann::json::parse(report::to_json(inspection))["quantization"];
  EXPECT_EQ(json["float_sha256"], model.sha256);
  EXPECT_EQ(json["budget"], "size=9000");
  EXPECT_EQ(json["weight_bits"], nlohmann::json({3, 4, kFloatBits, 2, 8}));
  EXPECT_EQ(json["activation_bits"], nlohmann::json({6, 6, 6, 6, 6}));
}

TEST(Inspect, SaysNothingOfTheMakingOfOtherFiles) {
  const report::Inspection inspection = inspect(small_model());
  EXPECT_FALSE(inspection.quantization);
  EXPECT_FALSE(nlohmann::json::parse(report::to_json(inspection)).contains("quantization"));
}

TEST(LoadModel, CountsExternalDataAndKnowsWhenItChanges) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "net.onnx";
  graph::Graph graph = small_model(32).graph;
  onnx_io::export_onnx(graph, file, {.max_model_bytes = 20'000});
  const Model before = load_model(file);
  const auto data_bytes = std::filesystem::file_size(onnx_io::data_file(file));
  EXPECT_EQ(before.file_bytes,
            static_cast<std::int64_t>(std::filesystem::file_size(file) + data_bytes));
  for (const auto& layer : graph::discover(graph).layers) {
    graph.mutable_value(layer.weight).constant->mutable_data<float>().front() += 1;
  }
  onnx_io::export_onnx(graph, file, {.max_model_bytes = 20'000});
  EXPECT_NE(load_model(file).sha256, before.sha256);
}

}  // namespace
}  // namespace ompq::pipeline

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "e2e/ompq.h"
#include "ompq/core/atomic_file.h"
#include "ompq/onnx_io/exporter.h"
#include "support/graph_builder.h"

// `ompq diff` as a user runs it: a shipped network next to what `ompq quantize` made of it.

namespace ompq::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Diffing : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  /// Three bits everywhere.
  void quantize(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"--avg-bits",
                                       "3",
                                       "--allocator",
                                       "uniform",
                                       "--beside",
                                       "none",
                                       "-n",
                                       "16",
                                       "--limit",
                                       "16",
                                       "-o",
                                       path(name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto made = ompq(on_fashion_mnist("quantize", shipped_model(), arguments));
    ASSERT_EQ(made.status, 0) << made.error;
  }
  static ProgramResult diff(const std::string& a,
                            const std::string& b,
                            const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{
        "diff", a, b, "--data", OMPQ_FASHION_MNIST, "--samples", "32", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ompq(arguments);
  }
  static json document(const ProgramResult& result) {
    EXPECT_EQ(result.status, 0) << result.error;
    return json::parse(result.output);
  }

  TemporaryDirectory folder_;
};

TEST_F(Diffing, ANetworkIsEqualToItself) {
  const auto shown = diff(shipped_model(), shipped_model());
  EXPECT_EQ(shown.status, 0) << shown.error;
  EXPECT_THAT(shown.output,
              AllOf(HasSubstr("no value below 30 dB"), HasSubstr("same best class: 100.00 %")));
  const json result = document(diff(shipped_model(), shipped_model(), {"--json"}));
  EXPECT_EQ(result["format"], "ompq-diff/2");
  EXPECT_EQ(result["agreement"], 1.0);
  EXPECT_TRUE(result["first_diverged"].is_null());
  for (const json& row : result["rows"]) EXPECT_TRUE(row["equal"]) << row["layer"];
}

TEST_F(Diffing, APackedFileHasEveryLayerAndPartsInTheFirst) {
  quantize("small.onnx", {});
  const json result = document(diff(shipped_model(), path("small.onnx"), {"--json"}));
  const json layers =
      json::parse(ompq({"inspect", shipped_model(), "--json", "--quiet"}).output)["layers"];
  EXPECT_EQ(result["rows"].size(), layers.size() + 1);
  EXPECT_TRUE(result["only_in_a"].empty());
  EXPECT_TRUE(result["only_in_b"].empty());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    EXPECT_EQ(result["rows"][l]["layer"], layers[l]["name"]);
    EXPECT_EQ(result["rows"][l]["layer_b"], layers[l]["name"]);
  }
  // Three bits are 8 levels a channel: far from 30 dB, and far from nothing in common.
  EXPECT_EQ(result["first_diverged"], layers[0]["name"]);
  EXPECT_GT(result["rows"][0]["snr_db"].get<double>(), 5);
  EXPECT_GT(result["agreement"].get<double>(), 0.5);
  const auto text = diff(shipped_model(), path("small.onnx"));
  EXPECT_THAT(
      text.output,
      HasSubstr("they first diverge at layer '" + layers[0]["name"].get<std::string>() + "'"));
}

TEST_F(Diffing, FormsOfOneQuantizedNetworkAreEqual) {
  quantize("packed.onnx", {"--format", "packed", "--act-bits", "4"});
  quantize("plain.onnx", {"--format", "float", "--act-bits", "4"});
  const json result =
      document(diff(path("packed.onnx"),
                    path("plain.onnx"),
                    {"--json",
                     "--channels",
                     "gray",
                     "--preprocess",
                     (source_dir() / "models/resnet20-fashion-mnist.preprocess.json").string(),
                     "--result",
                     path("diff.json")}));
  for (const json& row : result["rows"]) EXPECT_TRUE(row["equal"]) << row["layer"];
  EXPECT_EQ(json::parse(read_file(path("diff.json")))["rows"], result["rows"]);
}

TEST_F(Diffing, NetworksOfDifferentInputsAreRefusedByName) {
  GraphBuilder builder("colour");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  onnx_io::export_onnx(builder.finish({builder.conv("conv", x, {.out = 4})}), path("colour.onnx"));
  const auto refused = diff(shipped_model(), path("colour.onnx"));
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.error, AllOf(HasSubstr(shipped_model()), HasSubstr(path("colour.onnx"))));
  EXPECT_THAT(refused.error, HasSubstr("Nx3x8x8"));
}

TEST_F(Diffing, AFileThatIsNotThereIsNamed) {
  const auto refused = diff(shipped_model(), path("missing.onnx"));
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.error, HasSubstr("missing.onnx"));
}

TEST_F(Diffing, TwoNetworksOfOneTaskAreComparedWhereTheyMeet) {
  // Both ship with the tree and give ten classes; only the outputs mean the same.
  const json result =
      document(diff(shipped_model(), shipped_model("mobilenetv2-fashion-mnist"), {"--json"}));
  EXPECT_FALSE(result["only_in_a"].empty());
  EXPECT_FALSE(result["only_in_b"].empty());
  EXPECT_EQ(result["rows"].back()["op_type"], "output");
  EXPECT_GT(result["agreement"].get<double>(), 0.7);
}

TEST_F(Diffing, BothModelsAreNeeded) {
  const auto shown = ompq({"diff", shipped_model(), "--data", OMPQ_FASHION_MNIST});
  EXPECT_EQ(shown.status, 2);
  EXPECT_THAT(shown.error, HasSubstr("B"));
}

}  // namespace
}  // namespace ompq::testing

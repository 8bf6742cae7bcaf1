#include "ompq/onnx_io/file_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/small_network.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using quant::Granularity;
using quant::Symmetry;

std::vector<BitWidth> widths(int lo, int hi) {
  std::vector<BitWidth> result;
  for (int bits = lo; bits <= hi; ++bits) result.emplace_back(bits);
  return result;
}

/// A plan for every Conv and Gemm weight, with widths and symmetries drawn from `random`.
WeightPlans random_plans(const Graph& graph, Random& random) {
  WeightPlans plans;
  for (const graph::Node& node : graph.nodes()) {
    if (!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) continue;
    if (!graph.is_constant(node.input(1))) continue;
    plans[graph.value(node.input(1)).name] = {
        BitWidth(1 + static_cast<int>(random.below(8))),
        random.below(2) == 0 ? Symmetry::Symmetric : Symmetry::Asymmetric,
        random.below(4) == 0 ? Granularity::per_tensor() : Granularity::along(0)};
  }
  return plans;
}

std::int64_t written_bytes(const Graph& graph, const WeightPlans& plans) {
  ExportOptions options;
  for (const auto& [name, plan] : plans) {
    options.quantized[name] =
        testing::quantized(graph, name, plan.bits, plan.symmetry, plan.granularity);
  }
  return static_cast<std::int64_t>(export_onnx_bytes(graph, options).size());
}

void expect_exact(const Graph& graph, int rounds) {
  Random random(11);
  for (int round = 0; round < rounds; ++round) {
    WeightPlans plans = random_plans(graph, random);
    // MinMax of a symmetric one-bit quantizer is no quantizer that anyone would use.
    for (auto& [name, plan] : plans) {
      if (plan.bits.value() == 1) plan.symmetry = Symmetry::Asymmetric;
    }
    EXPECT_EQ(predict_file_bytes(graph, plans), written_bytes(graph, plans)) << "round " << round;
  }
}

TEST(PredictFileBytes, IsTheSizeOfTheFileToTheByte) {
  expect_exact(testing::small_network(), 20);
  Graph old = testing::small_network();
  old.opset = 9;
  expect_exact(old, 3);
}

TEST(PredictFileBytes, IsExactOnARealNetwork) {
  OMPQ_SHARED_OR_SKIP(shared);
  expect_exact(import_onnx(shared / "models" / "resnet20-cifar10.onnx"), 2);
}

TEST(PredictFileBytes, CountsThePlainFileWhereNothingIsQuantized) {
  const Graph graph = testing::small_network();
  EXPECT_EQ(predict_file_bytes(graph, {}),
            static_cast<std::int64_t>(export_onnx_bytes(graph).size()));
}

TEST(PredictFileBytes, NamesWhatIsNoConstant) {
  try {
    (void)predict_file_bytes(testing::small_network(), {{"image", {}}});
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr("'image' is to be quantized, but is no constant"));
  }
}

/// The bound that FileCosts promises.
std::int64_t slack(const WeightPlans& plans, std::span<const BitWidth> candidates) {
  std::int64_t bytes = 80;
  for (const BitWidth bits : candidates) {
    const bool used = std::any_of(
        plans.begin(), plans.end(), [&](const auto& row) { return row.second.bits == bits; });
    if (!used) bytes += 11 + 4 * bits.value();
  }
  for (const auto& [name, plan] : plans) bytes += plan.bits.value() == 8 ? 40 : 0;
  return bytes;
}

void expect_tight(const Graph& graph, int rounds) {
  Random random(5);
  const auto candidates = widths(1, 8);
  for (int round = 0; round < rounds; ++round) {
    const WeightPlans plans = random_plans(graph, random);
    const FileCosts costs = file_costs(graph, plans, candidates);
    std::int64_t sum = costs.fixed_bytes;
    for (const auto& [name, plan] : plans) {
      sum += costs.weight_bytes.at(name)[static_cast<std::size_t>(plan.bits.value())];
    }
    const std::int64_t exact = predict_file_bytes(graph, plans);
    EXPECT_GE(sum, exact) << "round " << round;
    EXPECT_LE(sum, exact + slack(plans, candidates)) << "round " << round;
  }
}

TEST(FileCosts, AddUpToTheFileAndNeverToLess) {
  expect_tight(testing::small_network(), 20);
  OMPQ_SHARED_OR_SKIP(shared);
  expect_tight(import_onnx(shared / "models" / "resnet20-cifar10.onnx"), 5);
}

TEST(FileCosts, GrowWithTheWidthByThePlanesAlone) {
  const Graph graph = testing::small_network();
  const WeightPlans plans{{"hidden.weight", {}}};
  const auto bytes = file_costs(graph, plans, widths(2, 7)).weight_bytes.at("hidden.weight");
  for (std::size_t bits = 3; bits <= 7; ++bits) {
    // 20 x 16 weights, 8 to a byte; protobuf's lengths may need one byte more at 128.
    EXPECT_GE(bytes[bits] - bytes[bits - 1], 40) << bits;
    EXPECT_LE(bytes[bits] - bytes[bits - 1], 42) << bits;
  }
  EXPECT_EQ(bytes[1], 0);
  EXPECT_EQ(bytes[8], 0);
}

}  // namespace
}  // namespace ompq::onnx_io

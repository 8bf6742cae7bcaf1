#include "ompq/reconstruction/block_reconstruction.h"

#include <cstdint>
#include <set>

#include <dnnl.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"
#include "reconstruction/block_cases.h"
#include "support/paths.h"
#include "support/zoo.h"

namespace ompq::reconstruction {
namespace {

using cases::BlockCase;
using cases::test_network;
using cases::TestNetwork;
using ::testing::HasSubstr;

ReconstructionOptions quick(std::int64_t iterations = 60) {
  ReconstructionOptions options;
  options.training.iterations = iterations;
  options.training.batch = 8;
  options.training.threads = 2;
  options.training.precision = runtime::Precision::Float32;
  return options;
}

std::set<std::string> names_of(const rounding::WeightCodes& codes) {
  std::set<std::string> names;
  for (const auto& [name, each] : codes) names.insert(name);
  return names;
}

void expect_same(const Reconstruction& a, const Reconstruction& b) {
  ASSERT_EQ(names_of(a.codes.weights), names_of(b.codes.weights));
  for (const auto& [name, codes] : a.codes.weights)
    EXPECT_EQ(codes.codes, b.codes.weights.at(name).codes) << name;
  for (const auto& [value, params] : a.codes.activations) {
    EXPECT_EQ(params.scale, b.codes.activations.at(value).scale) << value;
  }
}

/// A small residual network: a stem, blocks, a classifier.
TestNetwork small_resnet(int weight_bits = 3,
                         int activation_bits = 8,
                         const std::string& target = "onnxruntime") {
  return test_network(ompq::testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5}),
                      weight_bits,
                      activation_bits,
                      32,
                      target);
}

class ReconstructTest : public ::testing::TestWithParam<BlockCase> {};

TEST_P(ReconstructTest, LowersTheErrorOfEveryKindOfBlock) {
  const TestNetwork network = test_network(GetParam().make(), 3, 8);
  const Reconstruction result = reconstruct(network.request(), quick(200));
  ASSERT_EQ(result.reports.size(), network.parts.blocks.size());
  double before = 0.0;
  double after = 0.0;
  for (const BlockReport& report : result.reports) {
    EXPECT_LE(report.loss_after, report.loss_before) << report.name;
    before += report.loss_before;
    after += report.loss_after;
  }
  EXPECT_LT(after, before);
  EXPECT_EQ(names_of(result.codes.weights), names_of(network.initial.weights));
}

INSTANTIATE_TEST_SUITE_P(Blocks,
                         ReconstructTest,
                         ::testing::ValuesIn(cases::block_cases()),
                         [](const auto& tested) { return tested.param.name; });

struct Method {
  std::string name;
  bool layers = false;
  ErrorWeight weight = ErrorWeight::Plain;
  double drop = 0.0;
  bool steps = false;
  int activation_bits = 8;
};

class MethodTest : public ::testing::TestWithParam<Method> {};

TEST_P(MethodTest, LowersTheErrorOfTheLastBlocksOutput) {
  const Method& method = GetParam();
  const TestNetwork network = small_resnet(3, method.activation_bits, "exact");
  const auto layers = rounding::layer_blocks(network.graph, network.parts.layers);
  const ReconstructionRequest request{network.graph,
                                      network.parts.layers,
                                      method.layers ? layers : network.parts.blocks,
                                      network.initial,
                                      *network.dataset,
                                      network.indices};
  ReconstructionOptions options = quick(150);
  options.weight = method.weight;
  options.training.drop_probability = method.drop;
  options.learn_steps = method.steps;
  const Reconstruction result = reconstruct(request, options);
  ASSERT_EQ(result.reports.size(), request.blocks.size());
  for (const BlockReport& report : result.reports) {
    EXPECT_LE(report.loss_after, report.loss_before) << report.name;
  }
  // Scales of weights stay as they were; those of activations are short.
  for (const auto& [name, codes] : result.codes.weights) {
    EXPECT_EQ(codes.params.scale, network.initial.weights.at(name).params.scale) << name;
  }
  for (const auto& [value, params] : result.codes.activations) {
    EXPECT_EQ(params.scale.front(), quant::short_scale(params.scale.front(), quant::Snap::Nearest));
    if (!method.steps) {
      EXPECT_EQ(params.scale, network.initial.activations.at(value).scale);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    MethodTest,
    ::testing::Values(Method{.name = "Adaround", .layers = true},
                      Method{.name = "Brecq", .weight = ErrorWeight::Fisher},
                      Method{.name = "BrecqPlain"},
                      Method{.name = "Qdrop", .drop = 0.5, .steps = true, .activation_bits = 4},
                      Method{.name = "WeightsOnly", .activation_bits = 0}),
    [](const auto& tested) { return tested.param.name; });

TEST(Reconstruct, SameSeedSameBytes) {
  const TestNetwork network = small_resnet();
  ReconstructionOptions options = quick();
  options.training.drop_probability = 0.5;
  const Reconstruction first = reconstruct(network.request(), options);
  expect_same(first, reconstruct(network.request(), options));
  options.seed = 2;
  const Reconstruction other = reconstruct(network.request(), options);
  bool differs = false;
  for (const auto& [name, codes] : first.codes.weights) {
    differs = differs || codes.codes != other.codes.weights.at(name).codes;
  }
  EXPECT_TRUE(differs);
}

TEST(Reconstruct, GoesOnAfterAnyBlockWithTheSameBytes) {
  const TestNetwork network = small_resnet();
  ReconstructionOptions options = quick();
  options.weight = ErrorWeight::Fisher;
  std::vector<BlockState> states;
  const Reconstruction whole =
      reconstruct(network.request(), options, {}, [&](const BlockState& state) {
        states.push_back(block_state_from(to_bytes(state)));
      });
  ASSERT_EQ(states.size(), network.parts.blocks.size());
  for (std::size_t done = 0; done <= states.size(); ++done) {
    const std::vector<BlockState> finished(states.begin(),
                                           states.begin() + static_cast<std::ptrdiff_t>(done));
    std::size_t fresh = 0;
    const Reconstruction resumed =
        reconstruct(network.request(), options, finished, [&](const BlockState&) { ++fresh; });
    EXPECT_EQ(fresh, states.size() - done);
    EXPECT_EQ(resumed.reports.size(), states.size());
    expect_same(whole, resumed);
  }
}

TEST(Reconstruct, MappedFilesGiveTheSameBytes) {
  const TestNetwork network = small_resnet();
  const ompq::testing::TemporaryDirectory directory;
  ReconstructionOptions options = quick(20);
  const Reconstruction in_memory = reconstruct(network.request(), options);
  options.memory_bytes = 0;
  options.cache_directory = directory.path();
  expect_same(in_memory, reconstruct(network.request(), options));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Reconstruct, Bfloat16LowersTheErrorToo) {
  if (dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core) GTEST_SKIP() << "no AVX-512";
  const TestNetwork network = small_resnet(3, 8);
  ReconstructionOptions options = quick(60);
  options.training.precision = runtime::Precision::BFloat16;
  double before = 0.0;
  double after = 0.0;
  for (const auto& report : reconstruct(network.request(), options).reports) {
    before += report.loss_before;
    after += report.loss_after;
  }
  EXPECT_LT(after, before);
}

TEST(Reconstruct, StartsFromAnyCodesAndIsNeverWorse) {
  TestNetwork network = small_resnet();
  for (auto& [name, codes] : network.initial.weights) {
    for (std::size_t i = 0; i < codes.codes.size(); i += 3) {
      codes.codes[i] = static_cast<std::uint8_t>(codes.codes[i] ^ 1U);
    }
  }
  const Reconstruction result = reconstruct(network.request(), quick(1));
  for (const BlockReport& report : result.reports) {
    EXPECT_LE(report.loss_after, report.loss_before) << report.name;
  }
}

/// One quantizer before and after a pool, and one inside a block, whose scale starts far below the
/// largest with which it performs the Clip.
TEST(Reconstruct, LearnsScalesThatTheTargetsKernelsCanUse) {
  constexpr float kLargest = 0.5F / 7.0F;
  ompq::testing::GraphBuilder builder("pooled");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  auto y = builder.clip("clip", builder.conv("a", x, {.out = 6, .kernel = 3}), 0.0F, 0.5F);
  y = builder.max_pool("pool", y, 2, 2, 0);
  y = builder.clip("inner", builder.conv("b", y, {.out = 6, .kernel = 3}), 0.0F, 0.5F);
  y = builder.add("add", y, builder.conv("c", y, {.out = 6, .kernel = 3}));
  TestNetwork network =
      test_network(builder.finish({builder.gemm("fc", builder.flatten("flat", y), 4)}), 3, 3);
  const auto inner = network.graph.find_value("inner_output");
  network.initial.activations.at(inner).scale = {1.0F / 32.0F};
  ReconstructionOptions options = quick(5);
  options.training.step_rate = 0.05;
  for (const std::uint64_t seed : {1, 2, 3}) {
    options.seed = seed;
    const Reconstruction result = reconstruct(network.request(), options);
    const auto scale_of = [&](const char* name) {
      return result.codes.activations.at(network.graph.find_value(name)).scale.front();
    };
    EXPECT_GT(scale_of("inner_output"), 1.0F / 32.0F) << "not learned";
    EXPECT_LE(scale_of("inner_output"), kLargest) << seed;
    EXPECT_LE(scale_of("clip_output"), kLargest);
    EXPECT_EQ(scale_of("pool_output"), scale_of("clip_output"));
  }
}

TEST(Reconstruct, LeavesWeightsWithoutCodesFloat) {
  TestNetwork network = small_resnet();
  const std::string first = network.initial.weights.begin()->first;
  network.initial.weights.erase(first);
  const Reconstruction result = reconstruct(network.request(), quick(5));
  EXPECT_FALSE(result.codes.weights.contains(first));
  EXPECT_EQ(result.codes.weights.size(), network.initial.weights.size());
}

TEST(Reconstruct, TellsBlockLossAndIterations) {
  const TestNetwork network = small_resnet();
  std::int64_t last = 0;
  std::int64_t total = 0;
  std::string detail;
  (void)reconstruct(network.request(), quick(5), {}, {}, [&](const ProgressEvent& event) {
    if (event.task != "reconstruction") return;
    EXPECT_GT(event.done, last);
    last = event.done;
    total = event.total;
    detail = event.detail;
  });
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, 5 * static_cast<std::int64_t>(network.parts.blocks.size()));
  EXPECT_THAT(detail, HasSubstr("loss"));
}

TEST(Reconstruct, StopsWhereTheUserAsksAndGoesOn) {
  const TestNetwork network = small_resnet();
  const ReconstructionOptions options = quick(10);
  std::vector<BlockState> finished;
  const auto keep = [&](const BlockState& state) { finished.push_back(state); };
  const auto stop = [&](const ProgressEvent& event) {
    if (event.task == "reconstruction" && event.done == 25) request_interrupt();
  };
  EXPECT_THROW((void)reconstruct(network.request(), options, {}, keep, stop), Interrupted);
  ASSERT_EQ(finished.size(), 2U);
  expect_same(reconstruct(network.request(), options),
              reconstruct(network.request(), options, finished));
}

TEST(Reconstruct, NetworksOfEveryArchitectureRunThrough) {
  namespace zoo = ompq::testing::zoo;
  using Make = graph::Graph (*)(const zoo::Options&);
  for (const Make make : {Make{zoo::squeeze_net}, Make{zoo::efficient_net}, Make{zoo::unet}}) {
    const TestNetwork network =
        test_network(make({.image_size = 32, .classes = 10, .width = 0.25}), 4, 8, 8);
    const Reconstruction result = reconstruct(network.request(), quick(3));
    EXPECT_EQ(result.reports.size(), network.parts.blocks.size());
  }
}

TEST(Reconstruct, RefusesWhatDoesNotFit) {
  TestNetwork network = small_resnet();
  const std::vector<BlockState> foreign{{.name = "another block"}};
  EXPECT_THROW((void)reconstruct(network.request(), quick(), foreign), ConfigError);
  ReconstructionOptions none = quick();
  none.training.iterations = 0;
  EXPECT_THROW((void)reconstruct(network.request(), none), ConfigError);
  network.indices.clear();
  EXPECT_THROW((void)reconstruct(network.request(), quick()), ConfigError);
  network.indices = {0};
  network.initial.weights.emplace("no weight", network.initial.weights.begin()->second);
  EXPECT_THROW((void)reconstruct(network.request(), quick()), ConfigError);
}

}  // namespace
}  // namespace ompq::reconstruction

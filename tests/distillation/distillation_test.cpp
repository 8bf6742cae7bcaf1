#include "ompq/distillation/distillation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/data/dataset.h"
#include "ompq/quant/short_scale.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/reconstruction/block_kernels.h"
#include "ompq/reconstruction/block_program.h"
#include "reconstruction/block_cases.h"
#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::distillation {
namespace {

using reconstruction::cases::test_network;
using reconstruction::cases::TestNetwork;

TestNetwork small_network(int weight_bits) {
  return test_network(
      ompq::testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5}), weight_bits, 8, 96);
}

DistillationOptions quick_distillation() {
  DistillationOptions options;
  options.epochs = 4;
  options.batch = 8;
  options.threads = 2;
  options.held_out = 0.25;
  options.precision = runtime::Precision::Float32;
  return options;
}

DistillationRequest request_of(const TestNetwork& network) {
  return {network.graph,
          network.parts.layers,
          network.parts.blocks,
          network.initial,
          *network.dataset,
          network.indices};
}

/// The error of one value in the quantized network, for all samples.
reconstruction::BlockError error_of_value(const TestNetwork& network,
                                          const rounding::NetworkCodes& codes,
                                          graph::ValueId value) {
  std::vector<graph::NodeId> nodes(static_cast<std::size_t>(network.graph.producer(value)) + 1);
  std::iota(nodes.begin(), nodes.end(), 0);
  const rounding::PartGraph part =
      rounding::extract_part(network.graph, nodes, network.graph.inputs(), {&value, 1});
  const auto count = static_cast<std::int64_t>(network.indices.size());
  rounding::CacheMemory memory(1 << 26);
  const auto cache_of = [&](graph::ValueId id) {
    return std::make_shared<rounding::SampleCache>(
        count, rounding::elements_per_sample(network.graph, id), memory);
  };
  const auto inputs = cache_of(network.graph.inputs().front());
  const auto targets = cache_of(value);
  reconstruction::cache_samples(
      network.dataset->load(network.indices).inputs.front(), 0, count, *inputs);
  reconstruction::run_cached(part.graph, {&inputs, 1}, {&targets, 1}, 8, {});
  const graph::Graph quantized = reconstruction::quantized_part(part, network.parts.layers, codes);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return reconstruction::measure_error(quantized, inputs, *targets, nullptr, rows, 8, 1);
}

TEST(Distill, LowersTheLossOnSamplesThatItDidNotLearnFrom) {
  const TestNetwork network = small_network(2);
  const Distillation made = distill(request_of(network), quick_distillation());
  ASSERT_FALSE(made.kept_initial);
  EXPECT_LT(made.loss_after, made.loss_before);
  EXPECT_GE(made.best_epoch, 1);
  EXPECT_EQ(made.steps, 4 * (96 - 24) / 8);
}

TEST(Distill, TakesTheLastEpochWhereAnotherIsBetterByChanceAlone) {
  const TestNetwork network = small_network(2);
  DistillationOptions options = quick_distillation();
  options.epochs = 8;
  options.level_rate = 0.1;  // far enough that epochs differ by chance
  int last_though_not_lowest = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    options.seed = seed;
    double lowest = 0.0;  // before the last epoch
    const Distillation made = distill(
        request_of(network), options, {}, [&](const reconstruction::DistillationState& state) {
          if (state.epochs < options.epochs) lowest = state.loss_best;
        });
    EXPECT_LT(made.loss_after, std::min(made.loss_before, 1.1 * lowest)) << seed;
    if (made.best_epoch < options.epochs) {
      EXPECT_EQ(made.loss_after, lowest) << seed;
    }
    if (made.loss_after > lowest) ++last_though_not_lowest;
  }
  EXPECT_GT(last_though_not_lowest, 0);
}

TEST(Distill, KeepsCodesUnlessAskedAndScalesShort) {
  const TestNetwork network = small_network(2);
  DistillationOptions options = quick_distillation();
  const Distillation scales = distill(request_of(network), options);
  bool moved = false;
  for (const auto& [name, codes] : scales.codes.weights) {
    EXPECT_EQ(codes.codes, network.initial.weights.at(name).codes);
    for (const float scale : codes.params.scale) {
      EXPECT_EQ(scale, quant::short_scale(scale, quant::Snap::Nearest));
    }
    moved = moved || codes.params.scale != network.initial.weights.at(name).params.scale;
  }
  EXPECT_TRUE(moved);
  options.level_rate = 0.05;
  const Distillation levels = distill(request_of(network), options);
  bool flipped = false;
  for (const auto& [name, codes] : levels.codes.weights) {
    flipped = flipped || codes.codes != network.initial.weights.at(name).codes;
    for (const std::uint8_t code : codes.codes) EXPECT_LT(code, 4);
  }
  EXPECT_TRUE(flipped);
}

/// One quantizer before and after a pool, and one that clips.
graph::Graph clipped_and_pooled() {
  ompq::testing::GraphBuilder builder("pooled");
  const auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  auto y = builder.clip("clip", builder.conv("a", x, {.out = 6, .kernel = 3}), 0.0F, 0.5F);
  y = builder.max_pool("pool", y, 2, 2, 0);
  y = builder.relu("relu", builder.conv("b", y, {.out = 6, .kernel = 3}));
  y = builder.add("add", y, builder.conv("c", y, {.out = 6, .kernel = 3}));
  return builder.finish({builder.gemm("fc", builder.flatten("flat", y), 4)});
}

TEST(Distill, LearnsScalesThatTheTargetsKernelsCanUse) {
  const TestNetwork network = test_network(clipped_and_pooled(), 3, 3, 96);
  DistillationOptions options = quick_distillation();
  options.step_rate = 0.1;  // at which scales leave the limits for some of the seeds
  for (const std::uint64_t seed : {1, 2, 3}) {
    options.seed = seed;
    const Distillation made = distill(request_of(network), options);
    ASSERT_FALSE(made.kept_initial);
    const auto scale_of = [&](const char* name, const rounding::NetworkCodes& codes) {
      return codes.activations.at(network.graph.find_value(name)).scale.front();
    };
    EXPECT_NE(scale_of("relu_output", made.codes), scale_of("relu_output", network.initial));
    EXPECT_LE(scale_of("clip_output", made.codes), 0.5F / 7.0F) << seed;
    EXPECT_EQ(scale_of("pool_output", made.codes), scale_of("clip_output", made.codes)) << seed;
  }
}

TEST(Distill, LearnsShortScalesOfActivationsWithoutIntegerKernels) {
  const TestNetwork network = test_network(clipped_and_pooled(), 3, 3, 96, "exact");
  DistillationOptions options = quick_distillation();
  options.step_rate = 0.05;
  const Distillation made = distill(request_of(network), options);
  ASSERT_FALSE(made.kept_initial);
  for (const auto& [value, params] : made.codes.activations) {
    EXPECT_EQ(params.scale[0], quant::short_scale(params.scale[0], quant::Snap::Nearest));
  }
}

TEST(Distill, FollowsTheFeaturesAsAsked) {
  const TestNetwork network = small_network(2);
  DistillationOptions options = quick_distillation();
  options.epochs = 12;
  options.level_rate = 0.02;
  const auto feature_error = [&](const Distillation& made) {
    // The blocks before the last one; its output is the network's.
    const auto& blocks = network.parts.blocks;
    double sum = 0.0;
    for (std::size_t b = 0; b + 1 < blocks.size(); ++b) {
      const auto error = error_of_value(network, made.codes, blocks[b].output);
      sum += error.noise / error.signal;
    }
    return sum / static_cast<double>(blocks.size() - 1);
  };
  const Distillation without = distill(request_of(network), options);
  options.feature_weight = 10.0;
  const Distillation with = distill(request_of(network), options);
  EXPECT_EQ(with.loss_before, without.loss_before) << "features are not part of the loss";
  EXPECT_LT(feature_error(with), 0.95 * feature_error(without));
}

TEST(Distill, SameSeedSameBytes) {
  const TestNetwork network = small_network(3);
  DistillationOptions options = quick_distillation();
  options.mixing = Mixing::Paste;
  options.feature_weight = 0.5;
  const Distillation first = distill(request_of(network), options);
  const Distillation second = distill(request_of(network), options);
  EXPECT_EQ(first.loss_after, second.loss_after);
  EXPECT_EQ(first.codes.biases, second.codes.biases);
  for (const auto& [name, codes] : first.codes.weights) {
    EXPECT_EQ(codes.params.scale, second.codes.weights.at(name).params.scale);
  }
}

TEST(Distill, RepeatsFewSamplesWithinAnEpoch) {
  EXPECT_EQ(repeats_of(1000, 1000), 1);
  EXPECT_EQ(repeats_of(501, 1000), 1);
  EXPECT_EQ(repeats_of(500, 1000), 2);
  EXPECT_EQ(repeats_of(64, 1000), 15);
  EXPECT_EQ(repeats_of(2000, 1000), 1);
  EXPECT_EQ(repeats_of(64, 0), 1);
  const TestNetwork network = small_network(2);
  DistillationOptions options = quick_distillation();
  options.epochs = 2;
  options.epoch_samples = 3 * 96;
  std::vector<std::int64_t> steps;
  std::vector<std::string> kept;
  const auto keep = [&](const reconstruction::DistillationState& state) {
    steps.push_back(state.steps);
    kept.push_back(reconstruction::to_bytes(state));
  };
  const Distillation whole = distill(request_of(network), options, {}, keep);
  constexpr std::int64_t kSteps = 3 * (96 - 24) / 8;
  EXPECT_EQ(steps, (std::vector<std::int64_t>{kSteps, 2 * kSteps}));
  const auto first = reconstruction::distillation_state_from(kept.front());
  const Distillation rest = distill(request_of(network), options, first);
  EXPECT_EQ(rest.loss_after, whole.loss_after) << "resumed at the same samples";
  EXPECT_EQ(rest.codes.biases, whole.codes.biases);
}

TEST(Distill, LeavesCodesAloneThatItsSamplesCouldNotTell) {
  // The classifier sees one position a sample: 24 of them are not enough for its codes.
  const TestNetwork network =
      test_network(ompq::testing::zoo::deep_resnet(3, {.image_size = 12, .classes = 5}), 2, 8, 32);
  DistillationOptions options = quick_distillation();
  options.level_rate = 0.05;
  const Distillation made = distill(request_of(network), options);
  for (const graph::Layer& layer : network.parts.layers) {
    const std::string& name = network.graph.value(layer.weight).name;
    const bool same = made.codes.weights.at(name).codes == network.initial.weights.at(name).codes;
    const std::int64_t positions = 24 * layer.output_elements / layer.out_channels;
    EXPECT_EQ(same, positions < 4 * layer.weight_count / layer.out_channels) << name;
  }
}

TEST(Distill, VariesImagesAsAskedAndTheSameForASeed) {
  const TestNetwork network = small_network(2);
  Tensor pixels(DataType::UInt8, {96, 12, 12, 3});
  Random random(4);
  for (std::uint8_t& pixel : pixels.mutable_data<std::uint8_t>()) {
    pixel = static_cast<std::uint8_t>(random.below(256));
  }
  const auto images = data::open_arrays({{"x", pixels}},
                                        "x",
                                        {{"input", {3, 12, 12}}},
                                        {.preprocess = {.scale = 1.0 / 64.0, .mean = {2.0}}});
  const DistillationRequest request{network.graph,
                                    network.parts.layers,
                                    network.parts.blocks,
                                    network.initial,
                                    *images,
                                    network.indices};
  DistillationOptions options = quick_distillation();
  options.epochs = 2;
  const Distillation varied = distill(request, options);
  EXPECT_EQ(distill(request, options).codes.biases, varied.codes.biases);
  options.augmentation = "none";
  const Distillation plain = distill(request, options);
  EXPECT_EQ(plain.loss_before, varied.loss_before);  // what is kept to judge by is not varied
  EXPECT_NE(plain.codes.biases, varied.codes.biases);
}

TEST(Distill, GoesOnBehindAKeptEpochAsIfItHadNotStopped) {
  const TestNetwork network = small_network(3);
  DistillationOptions options = quick_distillation();
  options.epochs = 3;
  options.level_rate = 0.01;
  options.mixing = Mixing::Paste;
  options.feature_weight = 0.5;
  std::vector<std::string> kept;
  const auto keep = [&](const reconstruction::DistillationState& state) {
    kept.push_back(reconstruction::to_bytes(state));
  };
  const Distillation whole = distill(request_of(network), options, {}, keep);
  ASSERT_EQ(kept.size(), 3U);
  const reconstruction::DistillationState first =
      reconstruction::distillation_state_from(kept.front());
  EXPECT_EQ(first.epochs, 1);
  std::vector<std::string> again;
  const Distillation rest = distill(
      request_of(network), options, first, [&](const reconstruction::DistillationState& state) {
        again.push_back(reconstruction::to_bytes(state));
      });
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(rest.loss_after, whole.loss_after);
  EXPECT_EQ(rest.best_epoch, whole.best_epoch);
  EXPECT_EQ(rest.steps, whole.steps);
  EXPECT_EQ(rest.codes.biases, whole.codes.biases);
  for (const auto& [name, codes] : whole.codes.weights) {
    EXPECT_EQ(codes.codes, rest.codes.weights.at(name).codes);
    EXPECT_EQ(codes.params.scale, rest.codes.weights.at(name).params.scale);
  }
  EXPECT_EQ(reconstruction::distillation_state_from(kept.back()).numbers,
            reconstruction::distillation_state_from(again.back()).numbers);
  EXPECT_THROW((void)reconstruction::distillation_state_from(kept.front().substr(0, 100)),
               DataError);
}

TEST(Distill, LeavesANetworkAloneThatItCannotHelp) {
  const TestNetwork network = small_network(3);
  DistillationOptions options = quick_distillation();
  options.scale_rate = options.bias_rate = options.step_rate = 1e-9;
  options.epochs = 1;
  const Distillation made = distill(request_of(network), options);
  if (!made.kept_initial) {
    EXPECT_LT(made.loss_after, made.loss_before);
    return;
  }
  EXPECT_EQ(made.loss_after, made.loss_before);
  EXPECT_TRUE(made.codes.biases.empty());
}

TEST(Distill, StopsWhereTheUserAsks) {
  const TestNetwork network = small_network(3);
  const ProgressHandler stop = [](const ProgressEvent& event) {
    if (event.task == "distillation" && event.done == 2) request_interrupt();
  };
  EXPECT_THROW((void)distill(request_of(network), quick_distillation(), {}, {}, stop), Interrupted);
}

TEST(Distill, RefusesWhatItCannotTune) {
  const TestNetwork network = small_network(3);
  DistillationOptions options = quick_distillation();
  options.epochs = 0;
  EXPECT_THROW((void)distill(request_of(network), options), ConfigError);
  TestNetwork empty = small_network(3);
  empty.indices.clear();
  EXPECT_THROW((void)distill(request_of(empty), quick_distillation()), ConfigError);
}

// --- the loss and its gradients -----------------------------------------------------------------

struct Scores {
  std::vector<std::int16_t> target;
  float scale = 1e-3F;
  std::vector<float> y;

  explicit Scores(std::size_t classes) {
    Random random(31);
    for (std::size_t c = 0; c < classes; ++c) {
      target.push_back(static_cast<std::int16_t>(2000 * random.normal()));
      y.push_back(static_cast<float>(2 * random.normal()));
    }
  }
  double loss(const std::vector<float>& at) const {
    std::vector<float> gradient(at.size());
    return reconstruction::divergence(Element::Float32,
                                      at.data(),
                                      gradient.data(),
                                      static_cast<std::int64_t>(at.size()),
                                      {target.data(), scale},
                                      1.0F);
  }
};

TEST(Divergence, IsZeroForTheTargetItselfAndPositiveElsewhere) {
  const Scores scores(10);
  std::vector<float> same;
  for (const std::int16_t level : scores.target) {
    same.push_back(static_cast<float>(level) * scores.scale + 3.0F);  // a shift changes nothing
  }
  EXPECT_NEAR(scores.loss(same), 0.0, 1e-6);
  EXPECT_GT(scores.loss(scores.y), 0.01);
}

TEST(Divergence, HasTheGradientOfFiniteDifferences) {
  const Scores scores(10);
  std::vector<float> gradient(10);
  (void)reconstruction::divergence(Element::Float32,
                                   scores.y.data(),
                                   gradient.data(),
                                   10,
                                   {scores.target.data(), scores.scale},
                                   1.0F);
  for (std::size_t c = 0; c < 10; ++c) {
    constexpr float kStep = 1e-2F;
    auto up = scores.y;
    auto down = scores.y;
    up[c] += kStep;
    down[c] -= kStep;
    const double slope = (scores.loss(up) - scores.loss(down)) / (2.0 * kStep);
    EXPECT_NEAR(gradient[c], slope, 2e-4);
  }
}

TEST(BlockProgramBias, HasTheGradientOfFiniteDifferences) {
  // No quantizer and no bound: the loss is smooth in the biases.
  ompq::testing::GraphBuilder b("two", 3);
  using graph::Dim;
  auto x = b.input("x", {Dim{1, true}, Dim{3}, Dim{6}, Dim{6}});
  x = b.conv("a", x, {.out = 4, .kernel = 3, .bias = true});
  x = b.conv("dw", x, {.out = 4, .kernel = 3, .stride = 2, .groups = 4, .bias = true});
  const graph::Graph graph = b.finish({b.conv("c", x, {.out = 2, .bias = true})});
  const auto parts = graph::discover(graph);
  reconstruction::LearnedParts learned;
  for (const auto& layer : parts.layers) learned.weights.insert(layer.weight);
  constexpr std::int64_t kBatch = 4;
  reconstruction::BlockProgram program(
      graph, learned, {.precision = runtime::Precision::Float32, .threads = 2, .batch = kBatch});
  rounding::CacheMemory memory(1 << 24);
  rounding::SampleCache inputs(kBatch, 108, memory);
  rounding::SampleCache targets(kBatch, 18, memory);
  const Tensor in = ompq::testing::normal_samples({kBatch, 108}, 1);
  const Tensor out = ompq::testing::normal_samples({kBatch, 18}, 2);
  inputs.write(0, {in.bytes().data(), DataType::Float32, kBatch, 108, 108});
  targets.write(0, {out.bytes().data(), DataType::Float32, kBatch, 18, 18});
  const reconstruction::StepData data{.inputs = &inputs, .targets = &targets};
  const std::vector<std::int64_t> rows{0, 1, 2, 3};
  const auto biases = program.learnable_biases();
  ASSERT_EQ(biases.size(), 3U);
  for (const graph::ValueId id : biases) {
    program.weights_changed();
    (void)program.step(data, rows, 1, 1.0);
    const auto told = program.bias_gradient(id);
    const std::vector<float> gradient(told.begin(), told.end());
    for (std::size_t c = 0; c < gradient.size(); ++c) {
      constexpr float kStep = 0.05F;  // the loss is quadratic: differences are exact
      const auto loss_at = [&](float shift) {
        const float before = program.bias(id)[c];
        program.bias(id)[c] = before + shift;
        program.weights_changed();
        const double loss = program.step(data, rows, 1, 1.0);
        program.bias(id)[c] = before;
        return loss;
      };
      const double slope = (loss_at(kStep) - loss_at(-kStep)) / (2.0 * kStep);
      EXPECT_NEAR(gradient[c], slope, 2e-3 * (1.0 + std::abs(slope)));
    }
  }
  EXPECT_THROW((void)program.bias(graph::kNoValue), ConfigError);
}

}  // namespace
}  // namespace ompq::distillation

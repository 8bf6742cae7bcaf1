#include "ompq/ptq/rounding_steps.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/hex.h"
#include "ompq/pipeline/journal.h"
#include "ompq/pipeline/network.h"
#include "ompq/ptq/rounding_method.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/rounding/sample_cache.h"
#include "pipeline/small_model.h"
#include "support/graph_builder.h"
#include "support/paths.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

double passes_of(const RoundingStep& step, const MethodOptions& options, std::int64_t samples) {
  return step.passes(options, effort_row(options.effort), samples);
}

TEST(RoundingStep, OfCompensationCostsPassesPerSample) {
  EXPECT_THAT(compensation().reads, IsEmpty());
  EXPECT_EQ(passes_of(compensation(), {}, 200), 2 * passes_of(compensation(), {}, 100));
  EXPECT_EQ(passes_of(compensation(), {.iterations = 9}, 100), passes_of(compensation(), {}, 100));
}

TEST(RoundingStep, OfLearningCostsPassesPerIteration) {
  for (const RoundingStep* step : {&layer_learning(), &block_learning()}) {
    EXPECT_THAT(step->reads, ElementsAre("iterations", "fisher"));
    const double ten = passes_of(*step, {.iterations = 10}, 100);
    EXPECT_EQ(passes_of(*step, {.iterations = 20}, 100), 2 * ten);
    EXPECT_EQ(passes_of(*step, {.iterations = 10}, 5000), ten) << "for any number of samples";
    EXPECT_GT(passes_of(*step, {.effort = Effort::Best}, 100),
              passes_of(*step, {.effort = Effort::Balanced}, 100));
  }
}

TEST(RoundingStep, OfDistillationCostsPassesPerSampleAndEpoch) {
  EXPECT_THAT(distillation_step().reads, ElementsAre("epochs", "augment"));
  const double one = passes_of(distillation_step(), {.epochs = 1}, 1000);
  EXPECT_EQ(passes_of(distillation_step(), {.epochs = 3}, 2000), 6 * one);
  EXPECT_EQ(passes_of(distillation_step(), {.epochs = 1}, 100), one) << "repeated ten times";
  EXPECT_EQ(passes_of(distillation_step(), {.epochs = 1}, 64), 0.96 * one) << "15 times";
}

TEST(PassesToPrepare, AreNeededForStepsWithData) {
  EXPECT_EQ(passes_to_prepare({.prepare = {.equalize = true, .analytic_bias = true}}, 100), 0.0);
  EXPECT_GT(passes_to_prepare({.prepare = {.correct_bias = true}}, 100), 0.0);
  EXPECT_GT(passes_to_prepare({.prepare = {.reestimate_norms = true}}, 100), 0.0);
}

TEST(CacheMemory, IsTheGivenLimitOrTheDefault) {
  EXPECT_EQ(cache_memory({.memory_bytes = 12345}), 12345);
  EXPECT_EQ(cache_memory({}), rounding::default_memory());
}

/// Runs a step on the small model at 2 bits.
class RoundingStepTest : public ::testing::Test {
 protected:
  explicit RoundingStepTest(pipeline::Model model = pipeline::small_model())
      : model_(std::move(model)) {
    options_ = {.iterations = 20, .epochs = 1, .threads = 1};
    nearest_ = pipeline::nearest_codes(
        model_, std::vector<int>(model_.discovery.layers.size(), 2), {}, {});
  }
  [[nodiscard]] RoundingRun run_of() {
    return {.model = model_,
            .dataset = *samples_.dataset,
            .indices = samples_.indices,
            .options = options_,
            .row = method_row("gptq"),
            .effort = effort_row(Effort::Fast),
            .journal = nullptr,
            .result = result_,
            .progress = progress_};
  }

  pipeline::Model model_;
  pipeline::Samples samples_ = pipeline::small_samples(24);
  MethodOptions options_;
  rounding::NetworkCodes nearest_;
  report::Reconstruction result_;
  ProgressHandler progress_;
};

TEST_F(RoundingStepTest, CompensationLowersTheErrorLayerByLayer) {
  const rounding::NetworkCodes made = compensation().run(run_of(), nearest_);
  EXPECT_EQ(made.weights.size(), nearest_.weights.size());
  ASSERT_EQ(result_.blocks.size(), model_.discovery.layers.size());
  double before = 0.0;
  double after = 0.0;
  for (const report::ReconstructedBlock& block : result_.blocks) {
    EXPECT_EQ(block.step, "compensation");
    EXPECT_LE(block.loss_after, block.loss_before) << block.name;
    before += block.loss_before;
    after += block.loss_after;
  }
  EXPECT_LT(after, before);
}

TEST_F(RoundingStepTest, LearningGoesByLayerOrByBlock) {
  (void)layer_learning().run(run_of(), nearest_);
  EXPECT_EQ(result_.blocks.size(), model_.discovery.layers.size());
  result_ = {};
  (void)block_learning().run(run_of(), nearest_);
  EXPECT_EQ(result_.blocks.size(), model_.discovery.blocks.size());
  EXPECT_LT(model_.discovery.blocks.size(), model_.discovery.layers.size());
  for (const report::ReconstructedBlock& block : result_.blocks) {
    EXPECT_EQ(block.step, "learning");
    EXPECT_EQ(block.iterations, 20) << block.name;
  }
}

TEST_F(RoundingStepTest, PreparationDoesNothingIfNoneIsAskedFor) {
  const rounding::NetworkCodes made = prepared(run_of(), nearest_);
  EXPECT_THAT(made.biases, IsEmpty());
  EXPECT_FALSE(result_.restoration);
}

TEST_F(RoundingStepTest, BiasCorrectionRaisesTheSnrOfTheOutputs) {
  options_.prepare.correct_bias = true;
  const rounding::NetworkCodes made = prepared(run_of(), nearest_);
  ASSERT_TRUE(result_.restoration);
  EXPECT_GT(result_.restoration->snr_after_db, result_.restoration->snr_before_db);
  EXPECT_FALSE(result_.restoration->kept_initial);
  EXPECT_EQ(made.biases.size(), model_.discovery.layers.size());
  EXPECT_EQ(made.weights.at("fc.weight").codes, nearest_.weights.at("fc.weight").codes);
}

using Units = std::vector<std::pair<std::string, std::string>>;  ///< key and JSON

Units units_of(const std::filesystem::path& file, const std::vector<std::string>& keys) {
  const pipeline::Journal journal(file, "run");
  Units units;
  for (const std::string& key : keys) units.emplace_back(key, journal.find(key).value());
  return units;
}

void write_units(const std::filesystem::path& file, const Units& units) {
  std::filesystem::remove(file);
  pipeline::Journal journal(file, "run");
  for (const auto& [key, json] : units) journal.append(key, json);
}

std::string bytes_of(const std::string& json) { return from_hex(json.substr(1, json.size() - 2)); }
std::string json_of(const std::string& bytes) { return "\"" + to_hex(bytes) + "\""; }

void expect_same(const rounding::NetworkCodes& a, const rounding::NetworkCodes& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (const auto& [name, codes] : a.weights) {
    EXPECT_EQ(codes.codes, b.weights.at(name).codes) << name;
    EXPECT_EQ(codes.params.scale, b.weights.at(name).params.scale) << name;
  }
  EXPECT_EQ(a.biases, b.biases);
}

TEST_F(RoundingStepTest, ComputesBlocksAgainThatSomeoneChangedInTheJournal) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "journal";
  const auto made_with = [&](std::size_t& resumed) {
    pipeline::Journal journal(file, "run");
    resumed = journal.resumed();
    result_ = {};
    RoundingRun run = run_of();
    run.journal = &journal;
    return compensation().run(run, nearest_);
  };
  std::size_t resumed = 0;
  const rounding::NetworkCodes whole = made_with(resumed);
  const std::string kept = read_file(file);
  const Units units = units_of(
      file,
      {"compensation 0", "compensation 1", "compensation 2", "compensation 3", "compensation 4"});
  const auto changed = [&](const std::function<void(reconstruction::BlockState&)>& change) {
    auto state = reconstruction::block_state_from(bytes_of(units[1].second));
    change(state);
    return json_of(reconstruction::to_bytes(state));
  };
  const auto first = [](reconstruction::BlockState& s) -> quant::QuantizedTensor& {
    return s.codes.begin()->second;
  };
  const std::vector<std::string> forged{
      "null",
      "3",
      "{}",
      "\"\"",
      "\"abc\"",
      "\"zz\"",
      units[2].second,
      json_of(bytes_of(units[1].second) + "x"),
      json_of(bytes_of(units[1].second).substr(0, 40)),
      changed([&](auto& s) { first(s).codes[0] = 4; }),
      changed([&](auto& s) { first(s).codes.pop_back(); }),
      changed([&](auto& s) { first(s).params.bits = BitWidth(8); }),
      changed([&](auto& s) { first(s).params.scale[0] = std::nanf(""); }),
      changed([&](auto& s) { first(s).params.zero_point[0] = 1'000'000; }),
      changed([&](auto& s) { s.codes["none"] = first(s); }),
      changed([&](auto& s) { s.steps["none"] = 1.0F; }),
      changed([&](auto& s) { s.biases["fc.bias"] = {1.0F}; })};
  for (const std::string& json : forged) {
    SCOPED_TRACE(json.substr(0, 60));
    Units other = units;
    other[1].second = json;
    write_units(file, other);
    expect_same(made_with(resumed), whole);
    EXPECT_EQ(resumed, 5U);
    EXPECT_EQ(units_of(file, {"compensation 0"}), Units{units[0]}) << "it was used";
  }
  write_units(file, units);
  expect_same(made_with(resumed), whole);
  EXPECT_EQ(read_file(file), kept) << "nothing of its own is computed again";
}

TEST_F(RoundingStepTest, DistillsAgainFromAStateThatSomeoneChangedInTheJournal) {
  const testing::TemporaryDirectory folder;
  const auto file = folder / "journal";
  options_.epochs = 2;
  const auto made_by_distilling = [&] {
    pipeline::Journal journal(file, "run");
    result_ = {};
    RoundingRun run = run_of();
    run.journal = &journal;
    return distillation_step().run(run, nearest_);
  };
  const rounding::NetworkCodes whole = made_by_distilling();
  const Units units = units_of(file, {"distillation 1", "distillation 2"});
  const auto changed = [&](const std::function<void(reconstruction::DistillationState&)>& change) {
    auto state = reconstruction::distillation_state_from(bytes_of(units[0].second));
    change(state);
    return json_of(reconstruction::to_bytes(state));
  };
  const std::vector<std::string> forged{
      "null",
      units[1].second,
      changed([](auto& s) { s.epochs = 2; }),
      changed([](auto& s) { s.steps += 1; }),
      changed([](auto& s) { s.best_epoch = 9; }),
      changed([](auto& s) { s.numbers.erase(s.numbers.begin()); }),
      changed([](auto& s) { s.numbers.begin()->second.push_back(0.0F); }),
      changed([](auto& s) { s.numbers.begin()->second[0] = std::nanf(""); }),
      changed([](auto& s) {
        for (auto& [name, values] : s.numbers) {
          if (name.ends_with(" t")) std::ranges::fill(values, 1e30F);  // exp(t) is infinite
        }
      })};
  for (const std::string& json : forged) {
    SCOPED_TRACE(json.substr(0, 60));
    write_units(file, {{"distillation 1", json}});
    expect_same(made_by_distilling(), whole);
  }
  write_units(file, {units[0]});
  expect_same(made_by_distilling(), whole);
}

/// Distillation supports networks with one input.
pipeline::Model with_two_inputs() {
  testing::GraphBuilder builder("two");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(6)});
  const auto other = builder.input("other", {graph::Dim::batch(), graph::Dim::fixed(6)});
  pipeline::Model model;
  model.graph = builder.finish({builder.add("add", builder.gemm("fc", x, 6), other)});
  model.discovery = graph::discover(model.graph);
  return model;
}

class UndistillableTest : public RoundingStepTest {
 protected:
  UndistillableTest() : RoundingStepTest(with_two_inputs()) {}
};

TEST_F(UndistillableTest, DistillationKeepsTheCodesOfANetworkThatItDoesNotSupport) {
  const rounding::NetworkCodes made = distillation_step().run(run_of(), nearest_);
  EXPECT_FALSE(result_.distillation);
  EXPECT_EQ(made.weights.at("fc.weight").codes, nearest_.weights.at("fc.weight").codes);
}

}  // namespace
}  // namespace ompq::ptq

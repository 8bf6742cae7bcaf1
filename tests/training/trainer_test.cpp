#include "ompq/training/trainer.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/scores/class_scores.h"
#include "training/network_cases.h"

namespace ompq::training {
namespace {

using testing::bright_thirds;
using testing::exported_scores;
using testing::nearest_codes;
using testing::normal_inputs;
using testing::relative_difference;
using testing::tiny_network;

/// `count` batches of seeds first, first + 1, ...
NextBatch batches(std::uint64_t first, std::uint64_t count, std::int64_t samples = 16) {
  return [=, next = first](TrainingBatch& batch) mutable {
    if (next == first + count) return false;
    batch = bright_thirds(samples, next++);
    return true;
  };
}

TrainerOptions quick(NormMode norms = NormMode::Trained) {
  TrainerOptions options{.network = {.norms = norms}, .threads = 2};
  options.optimizer.rate = 0.05;
  options.schedule.total_steps = 60;
  return options;
}

bool equal(const TrainingState& a, const TrainingState& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end() || !tensor.equals(other->second)) return false;
  }
  return true;
}

TrainerOptions everything() {
  TrainerOptions options = quick();
  options.optimizer = {.name = "adamw", .rate = 0.003, .clip_norm = 1.0};
  options.average_decay = 0.9;
  options.accumulation = 2;
  options.schedule.warmup_steps = 3;
  options.loss = {.label_smoothing = 0.1, .distillation = 0.5, .temperature = 2.0};
  return options;
}

Trainer quantized(const TrainerOptions& options, std::string_view method, int bits = 4) {
  const graph::Graph graph = tiny_network();
  Trainer trainer(graph, options);
  trainer.quantize(nearest_codes(trainer.folded_graph(),
                                 trainer.layers(),
                                 bits,
                                 bits,
                                 bright_thirds(32, 99).inputs.front()),
                   method);
  if (options.loss.distillation > 0.0) trainer.teach(graph);
  return trainer;
}

/// One step for every batch.
void train(Trainer& trainer, const NextBatch& next) {
  TrainingBatch batch;
  while (next(batch)) (void)trainer.step(batch);
}

/// The share of held-out samples whose class `scores_of` (inputs) gets right.
template <typename ScoresOf>
double held_out_accuracy(const ScoresOf& scores_of) {
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  TrainingBatch batch;
  for (NextBatch next = batches(1000, 8); next(batch);) {
    const Tensor made = scores_of(batch.inputs.front());
    const auto seen = scores::as_scores(made, scores::Kind::Logits).value();
    for (std::int64_t i = 0; i < seen.rows; ++i) {
      correct += scores::rank_of(seen.row(i), batch.labels[static_cast<std::size_t>(i)]) == 0;
    }
    samples += seen.rows;
  }
  return static_cast<double>(correct) / static_cast<double>(samples);
}

TEST(Trainer, LearnsFromScratchInFloat) {
  for (const NormMode norms : {NormMode::Frozen, NormMode::Trained}) {
    Trainer trainer(tiny_network(), quick(norms));
    train(trainer, batches(0, 60));
    const graph::Graph graph = trainer.float_graph();
    const double accuracy = held_out_accuracy(
        [&](const Tensor& inputs) { return testing::float_scores(graph, inputs); });
    EXPECT_GT(accuracy, 0.95);
  }
}

TEST(Trainer, LearnsAtThreeBitsByEveryMethodAndExportsWhatItLearned) {
  for (const std::string_view method : {"lsq", "hawq", "pact"}) {
    for (const NormMode norms : {NormMode::Frozen, NormMode::Trained}) {
      TrainerOptions options = quick(norms);
      options.optimizer.rate = 0.02;
      options.schedule.total_steps = 100;
      Trainer trainer = quantized(options, method, 3);
      train(trainer, batches(0, 100));
      const rounding::NetworkCodes codes = trainer.codes();
      const double accuracy = held_out_accuracy([&](const Tensor& inputs) {
        return exported_scores(trainer.folded_graph(), trainer.layers(), codes, inputs);
      });
      EXPECT_GT(accuracy, 0.9) << method;
    }
  }
}

TEST(Trainer, GoesOnAsIfItHadNotStopped) {
  for (const std::string_view method : {"lsq", "hawq", "pact"}) {
    Trainer straight = quantized(everything(), method);
    train(straight, batches(0, 9));
    Trainer first = quantized(everything(), method);
    train(first, batches(0, 5));  // stops with a gradient that waits for its second batch
    const TrainingState kept = first.state();
    Trainer second = quantized(everything(), method);
    second.load_state(kept);
    EXPECT_EQ(second.batches(), 5);
    EXPECT_EQ(second.steps(), 2);
    train(second, batches(5, 4));
    EXPECT_TRUE(equal(second.state(), straight.state())) << method;
    EXPECT_FALSE(equal(second.state(), kept)) << method;
  }
}

TEST(Trainer, SameBatchesGiveTheSameBits) {
  Trainer a = quantized(everything(), "lsq");
  Trainer b = quantized(everything(), "lsq");
  train(a, batches(0, 6));
  train(b, batches(0, 6));
  EXPECT_TRUE(equal(a.state(), b.state()));
}

TEST(Trainer, TwoHalvesAccumulateToOneWhole) {
  // Without batch statistics and by plain descent, whose step is the gradient itself.
  TrainerOptions options = quick(NormMode::Frozen);
  options.optimizer.momentum = 0.0;
  const TrainingBatch whole = bright_thirds(16, 1);
  Trainer at_once(tiny_network(), options);
  (void)at_once.step(whole);
  options.accumulation = 2;
  Trainer halves(tiny_network(), options);
  const auto pixels = whole.inputs.front().data<float>();
  for (std::size_t half = 0; half < 2; ++half) {
    const auto part = pixels.subspan(half * pixels.size() / 2, pixels.size() / 2);
    const auto labels = whole.labels.begin() + static_cast<std::ptrdiff_t>(half * 8);
    (void)halves.step({{Tensor::from<float>({8, 2, 8, 8}, part)}, {labels, labels + 8}});
  }
  const TrainingState a = at_once.state();
  const TrainingState b = halves.state();
  for (const auto& [name, tensor] : a) {
    if (!name.starts_with("parameter/")) continue;
    EXPECT_LT(relative_difference(b.at(name), tensor), 1e-5) << name;
  }
  EXPECT_EQ(halves.steps(), 1);
}

TEST(Trainer, DistillationNeedsNoLabels) {
  TrainerOptions options = quick();
  options.loss.distillation = 1.0;
  Trainer trainer = quantized(options, "lsq", 3);
  auto unlabelled = [next = 0](TrainingBatch& batch) mutable {
    if (next == 40) return false;
    batch = {bright_thirds(16, static_cast<std::uint64_t>(next++ % 4)).inputs, {}};
    return true;
  };
  double first = 0.0;  // of one and the same batch
  double last = 0.0;
  TrainingBatch batch;
  while (unlabelled(batch)) {
    const StepReport report = trainer.step(batch);
    if (report.batch == 1) first = report.loss;
    if (report.batch == 37) last = report.loss;
  }
  EXPECT_LT(last, first);
}

TEST(Trainer, TakesTheLossOfASoftmaxByItsLogits) {
  graph::Graph with_softmax = tiny_network();
  const graph::ValueId logits = with_softmax.outputs().front();
  const graph::ValueId output = with_softmax.add_op(
      {.name = "softmax", .op_type = "Softmax", .inputs = {logits}, .attributes = {{"axis", 1}}});
  with_softmax.mutable_value(output).shape = with_softmax.value(logits).shape;
  with_softmax.set_outputs({output});
  TrainerOptions options = quick(NormMode::Frozen);
  options.loss.distillation = 0.5;
  Trainer plain(tiny_network(), options);
  Trainer trained(with_softmax, options);
  const TrainingBatch batch = bright_thirds(16, 1);
  plain.teach(tiny_network());
  trained.teach(with_softmax);
  const double expected = plain.step(batch).loss;
  EXPECT_GT(expected, 0.1);
  EXPECT_NEAR(trained.step(batch).loss, expected, 1e-5 * expected);
}

TEST(Trainer, SaysSinceWhenTheLossIsNoNumber) {
  Trainer trainer(tiny_network(), quick());
  train(trainer, batches(0, 2));
  TrainingBatch bad = bright_thirds(16, 3);
  bad.inputs.front().mutable_data<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  try {
    (void)trainer.step(bad);
    FAIL() << "it took the batch";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("batch 3, after 2 steps"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(trainer.steps(), 2);
}

TEST(Trainer, ReestimatesStatisticsOfTrainedNorms) {
  Trainer trainer = quantized(quick(), "lsq", 2);
  const TrainingState before = trainer.state();
  EXPECT_EQ(trainer.reestimate_norms(batches(0, 4)), 4);
  const TrainingState after = trainer.state();
  EXPECT_FALSE(before.at("buffer/stem.norm.mean").equals(after.at("buffer/stem.norm.mean")));
  EXPECT_TRUE(before.at("parameter/stem.weight").equals(after.at("parameter/stem.weight")));
}

TEST(Trainer, AveragesRunningStatisticsWithTheParametersThatTheyFit) {
  TrainerOptions options = quick();
  options.average_decay = 0.9;
  Trainer trainer(tiny_network(), options);
  const TrainingState before = trainer.state();
  train(trainer, batches(0, 1));
  const TrainingState after = trainer.state();
  for (const std::string statistic : {"stem.norm.mean", "down.norm.variance"}) {
    const auto old = before.at("buffer/" + statistic).data<float>();
    const auto now = after.at("buffer/" + statistic).data<float>();
    const auto average = after.at("average/buffer/" + statistic).data<float>();
    EXPECT_NE(old[0], now[0]) << statistic;
    for (std::size_t c = 0; c < average.size(); ++c) {
      // The first step keeps (1 + 1) / (10 + 1).
      const float expected = 2.0F / 11.0F * old[c] + 9.0F / 11.0F * now[c];
      EXPECT_NEAR(average[c], expected, 0x1p-22F * (std::abs(old[c]) + std::abs(now[c])))
          << statistic << " of channel " << c;
    }
  }
  const graph::Graph written = trainer.unfolded_graph();
  const auto mean = written.value(written.find_value("stem.norm.running_mean")).constant.value();
  EXPECT_TRUE(mean.equals(after.at("average/buffer/stem.norm.mean")));
  EXPECT_TRUE(equal(trainer.state(), after)) << "asking for the network changed the training";
}

TEST(Trainer, RefusesAStateOfAnotherTraining) {
  Trainer trainer(tiny_network(), quick());
  TrainingState state = trainer.state();
  state.erase("parameter/stem.weight");
  EXPECT_THROW(trainer.load_state(state), DataError);
  state = trainer.state();
  state["parameter/stem.weight"] = Tensor(DataType::Float32, {1});
  EXPECT_THROW(trainer.load_state(state), DataError);
  state = trainer.state();
  state["parameter/stranger"] = Tensor(DataType::Float32, {1});
  EXPECT_THROW(trainer.load_state(state), DataError);
  state = trainer.state();
  state.erase("counters");
  EXPECT_THROW(trainer.load_state(state), DataError);
}

TEST(Trainer, RefusesBadLabelsAndLateQuantization) {
  Trainer trainer(tiny_network(), quick());
  TrainingBatch batch = bright_thirds(4, 1);
  batch.labels[2] = 3;
  EXPECT_THROW((void)trainer.step(batch), DataError);
  batch.labels.pop_back();
  EXPECT_THROW((void)trainer.step(batch), ShapeError);
  batch.labels.clear();
  EXPECT_THROW((void)trainer.step(batch), ConfigError);
  (void)trainer.step(bright_thirds(4, 1));
  EXPECT_THROW(trainer.quantize({}, "lsq"), ConfigError);
}

}  // namespace
}  // namespace ompq::training

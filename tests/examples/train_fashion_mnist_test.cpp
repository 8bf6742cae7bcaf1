#include <fstream>
#include <stdexcept>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network_plan.h"
#include "ompq/core/error.h"
#include "ompq/ops/infer.h"
#include "ompq/runtime/executor.h"
#include "onnx_graph.h"
#include "support/paths.h"
#include "trainable_network.h"
#include "training.h"

namespace ompq::examples {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Mode = TrainableNetwork::Mode;

/// Noise whose brightness tells the class: something to learn from, without a file.
ImageSet noisy_images(std::int64_t count) {
  std::mt19937_64 random(5);
  ImageSet set;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % kClasses);
    set.labels.push_back(label);
    for (std::int64_t p = 0; p < kImagePixels; ++p) {
      set.pixels.push_back(static_cast<std::uint8_t>(random() % 56 + 20U * label));
    }
  }
  return set;
}

std::vector<std::int64_t> first_indices(std::int64_t count) {
  std::vector<std::int64_t> indices(count);
  for (std::int64_t i = 0; i < count; ++i) indices[i] = i;
  return indices;
}

TrainingOptions short_training() { return {.epochs = 3, .batch = 20, .peak_rate = 0.05}; }

std::int64_t parameter_count(const TrainableNetwork& network) {
  std::int64_t count = 0;
  for (const auto& [name, value] : network.parameters()) count += value.numel();
  return count;
}

class EveryNetwork : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(TrainFashionMnist,
                         EveryNetwork,
                         ::testing::Values("resnet20", "mobilenetv2"),
                         [](const auto& chosen) { return std::string(chosen.param); });

TEST_P(EveryNetwork, IsTheSameFunctionInTheOnnxGraph) {
  const ImageSet images = noisy_images(40);
  TrainableNetwork network(plan_by_name(GetParam()), 3);
  testing::TemporaryDirectory folder;
  // A little training, so that the running statistics are not those of the start.
  train(network, images, short_training(), folder / "state", [](const TrainingProgress&) {});

  const at::NoGradGuard no_gradient;
  const at::Tensor batch = plain_batch(images, first_indices(6));
  const at::Tensor expected = network.forward(batch, Mode::Evaluate, at::kFloat);
  graph::Graph graph = to_graph(network);
  ops::infer_and_fold(graph);
  const Tensor input = Tensor::from<float>(
      batch.sizes().vec(), std::span<const float>(batch.data_ptr<float>(), batch.numel()));
  const Tensor got = runtime::Executor(graph).run({&input, 1}).front();

  ASSERT_EQ(got.shape(), expected.sizes().vec());
  const float tolerance = 1e-4F * expected.abs().max().item<float>();
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    EXPECT_NEAR(got.data<float>()[i], expected.data_ptr<float>()[i], tolerance) << "logit " << i;
  }
}

TEST_P(EveryNetwork, LearnsWhatIsEasy) {
  const ImageSet images = noisy_images(40);
  TrainableNetwork network(plan_by_name(GetParam()), 3);
  testing::TemporaryDirectory folder;
  double first = 0.0;
  double last = 0.0;
  train(network,
        images,
        {.epochs = 8, .batch = 20, .peak_rate = 0.05},
        folder / "state",
        [&](const TrainingProgress& progress) {
          if (progress.epoch == 1) first = progress.loss;
          last = progress.loss;
        });
  EXPECT_LT(last, 0.8 * first);
}

TEST(ResNet20Plan, HasThePublishedSizeForOneChannel) {
  // He et al. 2016 count 0.27 M for three channels and parameter-free shortcuts. By hand: 18
  // convolutions of 3x3, two projections, 2 values a channel of batch norm, the classifier.
  const std::int64_t convs = 9 * (16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64);
  const std::int64_t projections = 16 * 32 + 32 * 64;
  const std::int64_t norms = 2 * (16 + 6 * 16 + 6 * 32 + 6 * 64 + 32 + 64);
  const std::int64_t classifier = 64 * 10 + 10;
  EXPECT_EQ(parameter_count(TrainableNetwork(resnet20_plan(), 1)),
            convs + projections + norms + classifier);
}

TEST(PlanByName, NamesTheChoicesForAnUnknownNetwork) {
  EXPECT_THAT([] { (void)plan_by_name("lenet"); },
              ThrowsMessage<ConfigError>(HasSubstr("resnet20 or mobilenetv2")));
}

TEST(TrainableNetwork, ReluSixAndItsGradientEqualThoseOfAClamp) {
  const NetworkPlan plan{{.kind = StepKind::Input, .name = "input", .out_channels = 1},
                         {.kind = StepKind::Relu6, .name = "relu6", .inputs = {0}}};
  TrainableNetwork network(plan, 1);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::Tensor ours = at::linspace(-9.5, 13.5, 24).reshape({1, 1, 4, 6}).requires_grad_(true);
    at::Tensor reference = ours.detach().clone().requires_grad_(true);
    const at::Tensor got = network.forward(ours, Mode::Train, type).to(at::kFloat);
    const at::Tensor expected = at::clamp(reference, 0.0, 6.0);
    got.sum().backward();
    expected.sum().backward();
    EXPECT_TRUE(got.equal(expected)) << at::toString(type);
    EXPECT_TRUE(ours.grad().equal(reference.grad())) << at::toString(type);
  }
}

TEST(Train, EndsAfterAnInterruptionWhereAnUninterruptedRunEnds) {
  const ImageSet images = noisy_images(40);
  testing::TemporaryDirectory folder;
  TrainableNetwork whole(resnet20_plan(), 7);
  train(whole, images, short_training(), folder / "whole", [](const TrainingProgress&) {});

  TrainableNetwork killed(resnet20_plan(), 7);
  const auto die_in_epoch_2 = [](const TrainingProgress& progress) {
    if (progress.epoch == 2) throw std::runtime_error("killed");
  };
  EXPECT_THROW(train(killed, images, short_training(), folder / "parts", die_in_epoch_2),
               std::runtime_error);
  TrainableNetwork resumed(resnet20_plan(), 7);
  int first_epoch = 0;
  train(resumed, images, short_training(), folder / "parts", [&](const TrainingProgress& progress) {
    if (first_epoch == 0) first_epoch = progress.epoch;
  });

  EXPECT_EQ(first_epoch, 2);
  for (const auto& [name, value] : whole.parameters()) {
    EXPECT_TRUE(value.equal(resumed.parameters().at(name))) << name;
  }
  for (const auto& [name, value] : whole.statistics()) {
    EXPECT_TRUE(value.equal(resumed.statistics().at(name))) << name;
  }
}

class Checkpoint : public ::testing::Test {
 protected:
  void train_network(const char* name, const TrainingOptions& options) {
    TrainableNetwork network(plan_by_name(name), 1);
    train(network, images_, options, file_, [](const TrainingProgress&) {});
  }

  ImageSet images_ = noisy_images(20);
  testing::TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "state";
};

TEST_F(Checkpoint, OfOtherOptionsIsRefused) {
  train_network("resnet20", {.epochs = 1, .batch = 20});
  EXPECT_THAT([&] { train_network("resnet20", {.epochs = 2, .batch = 20}); },
              ThrowsMessage<ConfigError>(HasSubstr("belongs to a run with other options")));
}

TEST_F(Checkpoint, OfAnotherNetworkIsRefused) {
  train_network("resnet20", {.epochs = 1, .batch = 20});
  EXPECT_THAT([&] { train_network("mobilenetv2", {.epochs = 1, .batch = 20}); },
              ThrowsMessage<DataError>(HasSubstr("belongs to another network")));
}

TEST_F(Checkpoint, ThatIsDamagedIsNamed) {
  std::ofstream(file_) << "no checkpoint";
  EXPECT_THAT([&] { train_network("resnet20", {.epochs = 1, .batch = 20}); },
              ThrowsMessage<DataError>(HasSubstr(file_.string())));
}

TEST(Train, RefusesABatchLargerThanTheData) {
  const ImageSet images = noisy_images(20);
  TrainableNetwork network(resnet20_plan(), 1);
  testing::TemporaryDirectory folder;
  EXPECT_THAT([&] { train(network, images, {.batch = 64}, folder / "state", nullptr); },
              ThrowsMessage<ConfigError>(HasSubstr("pass --batch 2 to 20")));
}

TEST(AugmentedBatch, MovesPixelsByTwoAtMostAndLosesNothingElse) {
  // One bright pixel in the middle: it must land within two pixels of its place or its mirror
  // image.
  ImageSet set{.pixels = std::vector<std::uint8_t>(kImagePixels, 0), .labels = {0}};
  constexpr std::int64_t kRow = 10;
  constexpr std::int64_t kColumn = 8;
  set.pixels[kRow * kImageSide + kColumn] = 255;
  const std::vector<std::int64_t> chosen(200, 0);
  std::mt19937_64 random(1);
  const at::Tensor batch = augmented_batch(set, chosen, random);
  for (std::int64_t i = 0; i < batch.size(0); ++i) {
    const at::Tensor place = batch[i][0].gt(0).nonzero();
    ASSERT_EQ(place.size(0), 1) << "image " << i;
    const auto row = place[0][0].item<std::int64_t>();
    const auto column = place[0][1].item<std::int64_t>();
    const std::int64_t mirrored = kImageSide - 1 - kColumn;
    EXPECT_LE(std::abs(row - kRow), 2) << "image " << i;
    EXPECT_LE(std::min(std::abs(column - kColumn), std::abs(column - mirrored)), 2)
        << "image " << i;
  }
}

}  // namespace
}  // namespace ompq::examples

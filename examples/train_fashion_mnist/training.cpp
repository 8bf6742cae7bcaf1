#include "training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

#include "checkpoint.h"
#include "ompq/core/error.h"

namespace ompq::examples {
namespace {

using Clock = std::chrono::steady_clock;
using Mode = TrainableNetwork::Mode;

void check(const TrainingOptions& options, const ImageSet& images) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw ConfigError("train_fashion_mnist", message);
  };
  require(options.epochs >= 1, fmt::format("{} epochs; pass --epochs 1 or more", options.epochs));
  require(options.batch >= 2 && options.batch <= images.count(),
          fmt::format("a batch of {} images; pass --batch 2 to {}", options.batch, images.count()));
  require(options.peak_rate > 0.0 && std::isfinite(options.peak_rate),
          fmt::format("learning rate {}; pass a --rate above 0", options.peak_rate));
}

/// Fisher-Yates from raw bits: std::shuffle does not draw the same everywhere.
std::vector<std::int64_t> shuffled_indices(std::int64_t count, std::mt19937_64& random) {
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(order[i], order[random() % static_cast<std::uint64_t>(i + 1)]);
  }
  return order;
}

/// @param progress  epochs done, with the fraction of the running one.
double learning_rate(const TrainingOptions& options, double progress) {
  const double warmup = std::min(options.warmup_epochs, 0.5 * options.epochs);
  if (progress < warmup) return options.peak_rate * progress / warmup;
  const double done = (progress - warmup) / (options.epochs - warmup);
  return options.peak_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

class NesterovSgd {
 public:
  NesterovSgd(TensorMap& parameters, const TrainingOptions& options)
      : parameters_(parameters), momentum_(options.momentum), weight_decay_(options.weight_decay) {
    for (const auto& [name, value] : parameters_) velocity_[name] = at::zeros_like(value.detach());
  }

  void step(double rate) {
    const at::NoGradGuard no_gradient;
    for (auto& [name, value] : parameters_) {
      at::Tensor gradient = value.grad();
      // One-dimensional parameters (batch norm, bias) set scales and offsets: they are not decayed.
      if (value.dim() > 1) gradient = gradient.add(value, weight_decay_);
      at::Tensor& velocity = velocity_.at(name);
      velocity.mul_(momentum_).add_(gradient);
      value.sub_(gradient.add(velocity, momentum_), rate);
      value.mutable_grad().reset();
    }
  }

  /// Momentum buffers by parameter name.
  [[nodiscard]] const TensorMap& velocity() const { return velocity_; }

 private:
  TensorMap& parameters_;
  double momentum_;
  double weight_decay_;
  TensorMap velocity_;
};

/// The options as text, in the order of the struct.
std::string fingerprint(const TrainingOptions& options) {
  std::string text;
  for (const double value : {static_cast<double>(options.epochs),
                             static_cast<double>(options.batch),
                             options.peak_rate,
                             options.warmup_epochs,
                             options.momentum,
                             options.weight_decay,
                             options.label_smoothing,
                             static_cast<double>(options.seed)}) {
    text += std::to_string(value) + " ";
  }
  return text + at::toString(options.compute);
}

TrainingState state_of(TrainableNetwork& network,
                       const NesterovSgd& optimizer,
                       const TrainingOptions& options) {
  TrainingState state{.run = fingerprint(options)};
  for (const auto& [name, value] : network.parameters()) state.tensors[name] = value.detach();
  for (const auto& [name, value] : network.statistics()) state.tensors[name] = value;
  for (const auto& [name, value] : optimizer.velocity()) state.tensors[name + ".velocity"] = value;
  return state;
}

class Trainer {
 public:
  Trainer(TrainableNetwork& network,
          const ImageSet& images,
          const TrainingOptions& options,
          const TrainingObserver& observer)
      : network_(network),
        images_(images),
        options_(options),
        observer_(observer),
        optimizer_(network.parameters(), options) {}

  void run(const std::filesystem::path& checkpoint) {
    TrainingState state = state_of(network_, optimizer_, options_);
    load_checkpoint(checkpoint, state);
    while (state.epochs_done < options_.epochs) {
      run_epoch(state.epochs_done);
      ++state.epochs_done;
      save_checkpoint(checkpoint, state);
    }
  }

 private:
  void run_epoch(int epoch) {
    std::mt19937_64 random(options_.seed * 1000003U + static_cast<std::uint64_t>(epoch));
    const std::vector<std::int64_t> order = shuffled_indices(images_.count(), random);
    const std::int64_t steps = images_.count() / options_.batch;
    const Clock::time_point start = Clock::now();
    double loss_sum = 0.0;
    double correct = 0.0;
    for (std::int64_t step = 0; step < steps; ++step) {
      const std::span<const std::int64_t> chosen(&order[step * options_.batch], options_.batch);
      const double progress = epoch + (step + 1.0) / static_cast<double>(steps);
      const auto [loss, hits] = run_step(chosen, random, learning_rate(options_, progress));
      loss_sum += loss;
      correct += hits;
      if (!std::isfinite(loss_sum)) {
        throw ConfigError(
            "train_fashion_mnist",
            fmt::format("the loss is not finite in epoch {}; pass a lower --rate", epoch + 1));
      }
      const std::int64_t done = (step + 1) * options_.batch;
      observer_({.epoch = epoch + 1,
                 .images = done,
                 .images_in_epoch = steps * options_.batch,
                 .loss = loss_sum / (step + 1.0),
                 .accuracy = correct / static_cast<double>(done),
                 .seconds = std::chrono::duration<double>(Clock::now() - start).count()});
    }
  }

  /// @return the batch's loss and how many images were right.
  std::pair<double, double> run_step(std::span<const std::int64_t> chosen,
                                     std::mt19937_64& random,
                                     double rate) {
    const at::Tensor labels = label_batch(images_, chosen);
    const at::Tensor logits =
        network_.forward(augmented_batch(images_, chosen, random), Mode::Train, options_.compute);
    constexpr std::int64_t kIgnoreNone = -100;
    const at::Tensor loss = at::cross_entropy_loss(
        logits, labels, {}, at::Reduction::Mean, kIgnoreNone, options_.label_smoothing);
    loss.backward();
    optimizer_.step(rate);
    return {loss.item<double>(), logits.argmax(1).eq(labels).sum().item<double>()};
  }

  TrainableNetwork& network_;
  const ImageSet& images_;
  const TrainingOptions& options_;
  const TrainingObserver& observer_;
  NesterovSgd optimizer_;
};

}  // namespace

void train(TrainableNetwork& network,
           const ImageSet& images,
           const TrainingOptions& options,
           const std::filesystem::path& checkpoint,
           const TrainingObserver& observer) {
  check(options, images);
  Trainer(network, images, options, observer).run(checkpoint);
}

double top1_accuracy(TrainableNetwork& network, const ImageSet& images) {
  const at::NoGradGuard no_gradient;
  constexpr std::int64_t kBatch = 250;
  std::vector<std::int64_t> order(images.count());
  std::iota(order.begin(), order.end(), 0);
  double correct = 0.0;
  for (std::int64_t first = 0; first < images.count(); first += kBatch) {
    const auto chosen = std::span<const std::int64_t>(order).subspan(
        first, std::min(kBatch, images.count() - first));
    const at::Tensor logits =
        network.forward(plain_batch(images, chosen), Mode::Evaluate, at::kFloat);
    correct += logits.argmax(1).eq(label_batch(images, chosen)).sum().item<double>();
  }
  return correct / static_cast<double>(images.count());
}

}  // namespace ompq::examples

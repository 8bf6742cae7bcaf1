#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "fashion_mnist.h"
#include "trainable_network.h"

namespace ompq::examples {

/// Stochastic gradient descent with Nesterov momentum; the rate climbs linearly, then falls along a
/// cosine to 0.
struct TrainingOptions {
  int epochs = 20;
  std::int64_t batch = 128;
  double peak_rate = 0.2;
  double warmup_epochs = 2.0;
  double momentum = 0.9;
  double weight_decay = 5e-4;  ///< on the weights of convolutions and classifier alone
  double label_smoothing = 0.1;
  std::uint64_t seed = 1;
  at::ScalarType compute = at::kFloat;  ///< activations and gradients; kBFloat16 or kFloat
};

/// How far a training is.
struct TrainingProgress {
  int epoch = 0;  ///< 1-based
  std::int64_t images = 0;
  std::int64_t images_in_epoch = 0;
  double loss = 0.0;      ///< mean over the epoch so far
  double accuracy = 0.0;  ///< on the augmented training images, while the weights move
  double seconds = 0.0;   ///< since the epoch began
};

/// Called after every step; the last call of an epoch has images == images_in_epoch.
using TrainingObserver = std::function<void(const TrainingProgress&)>;

/// Trains and keeps a checkpoint after every epoch; goes on from the checkpoint where there is one.
/// What epoch k draws depends on the seed and k alone, so a run that was interrupted ends where one
/// that was not does.
/// @throws ConfigError if options are out of range, the checkpoint belongs to a run with others, or
/// the loss is no longer finite; DataError if the checkpoint is damaged or of another network.
void train(TrainableNetwork& network,
           const ImageSet& images,
           const TrainingOptions& options,
           const std::filesystem::path& checkpoint,
           const TrainingObserver& observer);

/// Fraction of images whose largest logit is their label, computed in float32.
[[nodiscard]] double top1_accuracy(TrainableNetwork& network, const ImageSet& images);

}  // namespace ompq::examples

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/ptq/quantize_options.h"
#include "ompq/report/finetuning.h"
#include "ompq/training/training_options.h"

namespace ompq::qat {

struct FinetuneOptions {
  /// Widths, calibration and the rounding that training starts from; also the output's path. What
  /// it has finished is kept in a journal until training ends.
  ptq::QuantizeOptions start;
  /// Train the network itself, and quantize nothing. Its file keeps norms that are trained.
  bool float_network = false;
  /// Start from this quantized file of the network, with its widths, instead.
  std::optional<std::filesystem::path> from;

  /// The schedule's steps are made from the epochs; `network.norms` as `norms_reestimated` says.
  training::TrainerOptions trainer;
  bool norms_reestimated =
      false;  ///< statistics of trained norms are re-estimated after every epoch
  std::string quantizer = "lsq";  ///< a row of training::quantizer_methods()
  std::int64_t epochs = 10;
  double warmup_epochs = 0.5;
  std::int64_t batch_size = 64;
  std::string augmentation = "light";                ///< a row of data::augmentations()
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< of decoded images
  std::optional<std::int64_t> patience;              ///< epochs without anything better
  std::uint64_t seed = 0;

  std::filesystem::path checkpoint;  ///< empty: next to the output
  double checkpoint_seconds = 300.0;
  std::filesystem::path log;          ///< JSON lines; empty: none
  std::filesystem::path tensorboard;  ///< folder of event files; empty: none
  /// The same choices as the user knows them, "--lr" and its value, for messages and the result. A
  /// checkpoint made under others is moved aside.
  std::vector<std::pair<std::string, std::string>> named;

  /// Told of every finished epoch, those of earlier runs among them; may be empty.
  std::function<void(const report::EpochRecord&)> on_epoch;
};

}  // namespace ompq::qat

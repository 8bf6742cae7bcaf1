#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "ompq/errors.h"
#include "ompq/quantize.h"

namespace ompq {

/// The results of one epoch of training.
struct Epoch {
  std::int64_t number = 0;  ///< from 1
  double learning_rate = 0;
  double train_loss = 0;
  std::optional<double> train_accuracy;        ///< with labels
  std::optional<double> validation_top1;       ///< with labels
  std::optional<double> validation_agreement;  ///< with the float network
  double seconds = 0;
};

struct OMPQ_API FinetuneOptions : Options {
  FinetuneOptions();
  Samples data;
  Samples eval_data;  ///< by default a tenth of `data`
  Budget budget;
  std::filesystem::path allocation;  ///< bits.json, instead of a budget
  std::filesystem::path from;        ///< a quantized network to start from, instead of a budget
  std::filesystem::path output;      ///< the ONNX file to write

  std::function<void(const Epoch&)> on_epoch;  ///< after each epoch; may be empty
};

/// `network` is the best epoch's; `others` are the last epoch's and the start of training.
struct Finetuning : Quantization {
  std::vector<Epoch> epochs;
  std::int64_t best_epoch = 0;  ///< 0 if none was better than the start
};

/// Quantization-aware training: `ompq finetune`.
[[nodiscard]] OMPQ_API Finetuning finetune(const ModelRef& model, const FinetuneOptions& options);

}  // namespace ompq

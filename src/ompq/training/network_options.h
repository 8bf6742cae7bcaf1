#pragma once

#include "ompq/runtime/executor.h"

namespace ompq::training {

/// What training does with batch norms that can be folded.
enum class NormMode {
  Frozen,   ///< folded before training, as the paper has it: weights and biases are trained
  Trained,  ///< batch statistics; folded with the running ones for evaluation
};

struct NetworkOptions {
  NormMode norms = NormMode::Frozen;
  /// Of convolutions and products in training; parameters are float32, as is evaluation. Auto is
  /// float32: oneDNN's backward passes in bfloat16 took longer wherever that was measured (those of
  /// strided convolutions ten times and more), docs/adr/0011.
  runtime::Precision precision = runtime::Precision::Float32;
};

}  // namespace ompq::training

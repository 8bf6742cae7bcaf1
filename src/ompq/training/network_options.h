#pragma once

#include "ompq/runtime/executor.h"

namespace ompq::training {

/// Treatment of foldable batch norms in training.
enum class NormMode {
  Frozen,   ///< folded before training as in the paper: weights and biases are trained
  Trained,  ///< batch statistics; folded with the running ones for evaluation
};

struct NetworkOptions {
  NormMode norms = NormMode::Frozen;
  /// Of convolutions and products in training; parameters are float32, as is evaluation. Auto is
  /// float32: oneDNN's backward passes in bfloat16 were slower in all measurements (more than ten
  /// times for strided convolutions), docs/adr/0011.
  runtime::Precision precision = runtime::Precision::Float32;
};

}  // namespace ompq::training

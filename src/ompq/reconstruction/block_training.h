#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "ompq/quant/quantized_tensor.h"
#include "ompq/reconstruction/block_program.h"
#include "ompq/rounding/quantizer_limits.h"

namespace ompq::reconstruction {

/// Options for optimizing a block.
/// Source: Nagel et al. 2020, Li et al. 2021, Wei et al. 2022 for schedule and rates (20,000
/// iterations); fewer iterations take larger rates, see weight_rate_for().
struct TrainingOptions {
  std::int64_t iterations = 2000;
  std::int64_t batch = 32;
  double weight_rate = 0.0;  ///< Adam's, for rounding variables; 0: weight_rate_for(iterations)
  double step_rate = 4e-5;   ///< Adam's, for activation steps, annealed to 0 along a cosine
  double warm_up = 0.2;      ///< share of the iterations without regularizer
  double first_beta = 20.0;  ///< exponent of the regularizer, decreasing linearly to last_beta
  double last_beta = 2.0;
  double pressure = 100.0;        ///< weight of the regularizer, for a loss that starts at 1
  double firmness = 0.0;          ///< see RoundingStart
  double drop_probability = 0.0;  ///< QDrop: 0.5
  runtime::Precision precision = runtime::Precision::Auto;
  int threads = 0;
};

/// 1e-3 for the papers' 20,000 iterations, more for fewer: a variable must be able to move from one
/// level to the other.
[[nodiscard]] double weight_rate_for(std::int64_t iterations);

/// What is optimized; ids are those of the block.
struct TrainingProblem {
  const graph::Graph& block;
  std::map<graph::ValueId, quant::QuantizedTensor> codes;       ///< initial codes, by weight
  std::map<graph::ValueId, quant::QuantParams> quantizers;      ///< of activations
  std::map<graph::ValueId, rounding::ScaleRule> learned_steps;  ///< of activations
  std::map<graph::ValueId, quant::QuantizedTensor> frozen;      ///< weights that are not changed
  StepData data;
  double weight_scale = 1.0;  ///< factor on the squared error's weights
};

struct TrainingResult {
  std::map<graph::ValueId, quant::QuantizedTensor> codes;
  std::map<graph::ValueId, quant::QuantParams> quantizers;
  double seconds = 0.0;
};

/// Called after every iteration with the recent mean loss, relative to the target's energy.
using IterationHandler = std::function<void(std::int64_t iteration, double loss)>;

/// Optimizes rounding and activation steps of one block. @throws Interrupted between iterations.
[[nodiscard]] TrainingResult train_block(const TrainingProblem& problem,
                                         const TrainingOptions& options,
                                         std::uint64_t seed,
                                         const IterationHandler& on_iteration = {});

}  // namespace ompq::reconstruction

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "ompq/quant/quantized_tensor.h"
#include "ompq/reconstruction/block_program.h"

namespace ompq::reconstruction {

/// How long and how hard a block is optimized.
/// Source: Nagel et al. 2020, Li et al. 2021, Wei et al. 2022 for schedule and rates (20,000
/// iterations); fewer iterations take larger rates, see weight_rate_for().
struct TrainingOptions {
  std::int64_t iterations = 2000;
  std::int64_t batch = 32;
  double weight_rate = 0.0;  ///< Adam's, of rounding variables; 0: weight_rate_for(iterations)
  double step_rate = 4e-5;   ///< Adam's, of activation steps, annealed to 0 along a cosine
  double warm_up = 0.2;      ///< share of the iterations without pressure on rounding
  double first_beta = 20.0;  ///< of the pressure's exponent, falling linearly to last_beta
  double last_beta = 2.0;
  double pressure = 100.0;        ///< weight of the pressure, of a loss that starts at 1
  double firmness = 0.0;          ///< see RoundingStart
  double drop_probability = 0.0;  ///< QDrop: 0.5
  runtime::Precision precision = runtime::Precision::Auto;
  int threads = 0;
};

/// 1e-3 for the papers' 20,000 iterations, more for fewer: a variable has to be able to cross from
/// one level to the other.
[[nodiscard]] double weight_rate_for(std::int64_t iterations);

/// What is optimized; ids are the block's own.
struct TrainingProblem {
  const graph::Graph& block;
  std::map<graph::ValueId, quant::QuantizedTensor> codes;   ///< to start from, by weight
  std::map<graph::ValueId, quant::QuantParams> quantizers;  ///< of activations
  std::set<graph::ValueId> learned_steps;
  std::map<graph::ValueId, quant::QuantizedTensor> settled;  ///< weights that stay as they are
  StepData data;
  double weight_scale = 1.0;  ///< factor on the squared error's weights
};

struct TrainingResult {
  std::map<graph::ValueId, quant::QuantizedTensor> codes;
  std::map<graph::ValueId, quant::QuantParams> quantizers;
  double seconds = 0.0;
};

/// Called after every iteration with the mean loss of late, relative to the target's energy.
using IterationHandler = std::function<void(std::int64_t iteration, double loss)>;

/// Optimizes rounding and activation steps of one block. @throws Interrupted between iterations.
[[nodiscard]] TrainingResult train_block(const TrainingProblem& problem,
                                         const TrainingOptions& options,
                                         std::uint64_t seed,
                                         const IterationHandler& on_iteration = {});

}  // namespace ompq::reconstruction

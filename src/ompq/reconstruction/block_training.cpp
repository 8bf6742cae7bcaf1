#include "ompq/reconstruction/block_training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/core/random.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/reconstruction/block_rounding.h"
#include "ompq/rounding/block_graph.h"

namespace ompq::reconstruction {
namespace {

using graph::ValueId;

/// An endless sequence of random permutations of the rows.
class RowSource {
 public:
  RowSource(std::int64_t rows, Random random) : random_(random) {
    order_.resize(static_cast<std::size_t>(rows));
    std::iota(order_.begin(), order_.end(), 0);
    random_.shuffle(order_);
  }
  std::vector<std::int64_t> next(std::int64_t count) {
    std::vector<std::int64_t> rows;
    while (static_cast<std::int64_t>(rows.size()) < count) {
      if (at_ == order_.size()) {
        random_.shuffle(order_);
        at_ = 0;
      }
      rows.push_back(order_[at_++]);
    }
    // Ascending rows read a mapped file in one direction.
    std::sort(rows.begin(), rows.end());
    return rows;
  }

 private:
  Random random_;
  std::vector<std::int64_t> order_;
  std::size_t at_ = 0;
};

/// A learned activation step.
struct LearnedStep {
  ValueId value = graph::kNoValue;
  double step = 1.0;
  rounding::ScaleRule rule;
  double gradient_scale = 1.0;  ///< LSQ: 1 / sqrt(elements x largest level)
  double first_moment = 0.0;
  double second_moment = 0.0;
};

/// Number of positions per sample: the squared error is summed over channels and averaged over
/// samples and positions.
std::int64_t positions_of(const graph::Graph& block) {
  const auto extents = graph::extents_at(*block.value(block.outputs().front()).shape, 1);
  std::int64_t positions = 1;
  const std::size_t channel = extents.size() == 4 ? 1 : extents.size() - 1;
  for (std::size_t d = 1; d < extents.size(); ++d) positions *= d == channel ? 1 : extents[d];
  return positions;
}

class Trainer {
 public:
  Trainer(const TrainingProblem& problem, const TrainingOptions& options, std::uint64_t seed)
      : problem_(problem),
        options_(options),
        random_(seed),
        rows_(problem.data.inputs->rows(), random_.split("rows")),
        program_(problem.block, learned(problem), program_options(options)) {
    for (const auto& [weight, codes] : problem.codes) {
      const Tensor& exact = *problem.block.value(weight).constant;
      rounding_.emplace(
          std::piecewise_construct,
          std::forward_as_tuple(weight),
          std::forward_as_tuple(exact, codes, RoundingStart{static_cast<float>(options.firmness)}));
      rounding_.at(weight).soft_weights(program_.weights(weight));
      program_.set_weight_scales(weight, codes.params.scale);
    }
    for (const auto& [weight, codes] : problem.frozen) {
      const Tensor real = quant::dequantize(codes);
      std::ranges::copy(real.data<float>(), program_.weights(weight).begin());
      program_.set_weight_scales(weight, codes.params.scale);
    }
    for (const auto& [value, rule] : problem.learned_steps) {
      steps_.push_back(start_step(value, rule));
    }
    factor_ =
        problem.weight_scale / static_cast<double>(options.batch * positions_of(problem.block));
    program_.weights_changed();
  }

  TrainingResult run(const IterationHandler& on_iteration) {
    const auto begin = std::chrono::steady_clock::now();
    const double reference = reference_loss();
    double recent = 0.0;
    for (std::int64_t i = 1; i <= options_.iterations; ++i) {
      check_interrupt();
      const auto rows = rows_.next(options_.batch);
      const auto drops = static_cast<std::uint32_t>(random_.next());
      const double loss = program_.step(problem_.data, rows, drops, factor_ / reference);
      update(i);
      recent = i == 1 ? loss : 0.98 * recent + 0.02 * loss;
      if (on_iteration) on_iteration(i, recent);
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    return result(elapsed.count());
  }

 private:
  static LearnedParts learned(const TrainingProblem& problem) {
    LearnedParts parts{.quantizers = problem.quantizers};
    for (const auto& [value, rule] : problem.learned_steps) parts.steps.insert(value);
    for (const auto& [weight, codes] : problem.codes) parts.weights.insert(weight);
    return parts;
  }

  static ProgramOptions program_options(const TrainingOptions& options) {
    return {.precision = options.precision,
            .threads = options.threads,
            .batch = options.batch,
            .drop_probability = options.drop_probability};
  }

  LearnedStep start_step(ValueId value, const rounding::ScaleRule& rule) const {
    const quant::QuantParams& params = problem_.quantizers.at(value);
    const auto levels = static_cast<float>(params.bits.levels() - 1);
    return {
        .value = value,
        .step = params.scale.front(),
        .rule = rule,
        .gradient_scale = quant::lsq_gradient_scale(program_.activation_elements(value), levels)};
  }

  /// The loss before learning, over a few batches: the unit of losses, so that the regularizer's
  /// weight has the same effect in every block.
  double reference_loss() {
    constexpr int kBatches = 4;
    double sum = 0.0;
    for (int i = 0; i < kBatches; ++i) {
      const auto rows = rows_.next(options_.batch);
      sum +=
          program_.step(problem_.data, rows, static_cast<std::uint32_t>(random_.next()), factor_);
    }
    return std::max(sum / kBatches, 1e-20);
  }

  [[nodiscard]] RoundingPressure pressure_at(std::int64_t iteration) const {
    const double done = static_cast<double>(iteration) / static_cast<double>(options_.iterations);
    if (done < options_.warm_up) return {};
    const double rest = (1.0 - done) / (1.0 - options_.warm_up);
    return {.weight = static_cast<float>(options_.pressure),
            .beta = static_cast<float>(options_.last_beta +
                                       (options_.first_beta - options_.last_beta) * rest)};
  }

  void update(std::int64_t iteration) {
    const double rate =
        options_.weight_rate > 0 ? options_.weight_rate : weight_rate_for(options_.iterations);
    const AdamStep adam{.rate = static_cast<float>(rate), .number = iteration};
    const RoundingPressure pressure = pressure_at(iteration);
    for (auto& [weight, variables] : rounding_) {
      variables.update(program_.weight_gradient(weight), adam, pressure, program_.weights(weight));
    }
    for (LearnedStep& step : steps_) update_step(step, iteration);
    program_.weights_changed();
  }

  void update_step(LearnedStep& learned, std::int64_t iteration) {
    const AdamStep adam;
    const auto number = static_cast<double>(iteration);
    const double gradient = program_.step_gradient(learned.value) * learned.gradient_scale;
    learned.first_moment += (1.0 - adam.first_decay) * (gradient - learned.first_moment);
    learned.second_moment +=
        (1.0 - adam.second_decay) * (gradient * gradient - learned.second_moment);
    const double first = learned.first_moment / (1.0 - std::pow(adam.first_decay, number));
    const double second = learned.second_moment / (1.0 - std::pow(adam.second_decay, number));
    const double done = number / static_cast<double>(options_.iterations);
    const double rate = options_.step_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
    learned.step -= rate * first / (std::sqrt(second) + adam.epsilon);
    learned.step = std::clamp(learned.step,
                              std::max(1e-8, static_cast<double>(learned.rule.smallest)),
                              std::max(1e-8, static_cast<double>(learned.rule.largest)));
    // Uses the scale that will be written, with a straight-through gradient.
    program_.set_step(learned.value, written_step(learned));
  }

  static float written_step(const LearnedStep& learned) {
    return learned.rule.apply(static_cast<float>(learned.step));
  }

  TrainingResult result(double seconds) const {
    TrainingResult result{.quantizers = problem_.quantizers, .seconds = seconds};
    for (const auto& [weight, variables] : rounding_) {
      result.codes.emplace(weight, variables.harden());
    }
    for (const LearnedStep& step : steps_) {
      result.quantizers.at(step.value).scale = {written_step(step)};
    }
    return result;
  }

  const TrainingProblem& problem_;
  const TrainingOptions& options_;
  Random random_;
  RowSource rows_;
  BlockProgram program_;
  std::map<ValueId, RoundingVariables> rounding_;
  std::vector<LearnedStep> steps_;
  double factor_ = 1.0;
};

}  // namespace

double weight_rate_for(std::int64_t iterations) {
  constexpr double kPaperRate = 1e-3;
  constexpr double kPaperIterations = 20'000;
  return kPaperRate *
         std::max(1.0, std::pow(kPaperIterations / static_cast<double>(iterations), 0.75));
}

TrainingResult train_block(const TrainingProblem& problem,
                           const TrainingOptions& options,
                           std::uint64_t seed,
                           const IterationHandler& on_iteration) {
  if (options.iterations < 1 || options.batch < 1) {
    throw ConfigError("reconstruction", "iterations and batch must be at least 1");
  }
  return Trainer(problem, options, seed).run(on_iteration);
}

}  // namespace ompq::reconstruction

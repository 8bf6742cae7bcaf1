#include "ompq/distillation/distillation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/data/batches.h"
#include "ompq/data/loader.h"
#include "ompq/distillation/distilled_network.h"
#include "ompq/distillation/distilled_parameters.h"
#include "ompq/distillation/distilled_samples.h"
#include "ompq/reconstruction/block_program.h"
#include "ompq/rounding/quantizer_limits.h"
#include "ompq/scores/class_scores.h"
#include "ompq/targets/target_table.h"

namespace ompq::distillation {
namespace {

using graph::ValueId;

/// Bias of one layer.
struct DistilledBias {
  ValueId value = graph::kNoValue;
  double unit = 1.0;  ///< root mean square of the layer's output
  AdamMoments moments;
};

/// Scale of one activation's quantizer: the allowed scale nearest to base x exp(t).
struct DistilledStep {
  ValueId value = graph::kNoValue;
  float base = 1.0F;
  rounding::ScaleRule rule;
  std::vector<float> t{0.0F};
  AdamMoments moments{1};

  [[nodiscard]] float scale() const { return rule.apply(base * std::exp(t[0])); }
};

class Distiller {
 public:
  Distiller(const DistillationRequest& request,
            const DistillationOptions& options,
            const ProgressHandler& progress)
      : request_(request),
        options_(options),
        progress_(progress),
        part_(distilled_network(request.graph,
                                options.feature_weight > 0
                                    ? std::span<const graph::Block>(request.blocks)
                                    : std::span<const graph::Block>{})),
        limits_(rounding::quantizer_limits(request.graph,
                                           request.layers,
                                           request.initial.activations,
                                           targets::target(request.initial.target))),
        random_(Random(options.seed).split("distillation")),
        samples_(part_.graph,
                 request.dataset,
                 request.indices,
                 {.batch = options.batch,
                  .held_out = options.held_out,
                  .augmentation = options.augmentation,
                  .mixing = options.mixing,
                  .mixed = options.mixed,
                  .seed = options.seed,
                  .memory_bytes = options.memory_bytes,
                  .cache_directory = options.cache_directory,
                  .threads = options.threads},
                 random_,
                 progress) {
    make_program();
  }

  Distillation run(const std::optional<reconstruction::DistillationState>& finished,
                   const KeepDistillation& keep) {
    const auto begin = std::chrono::steady_clock::now();
    reconstruction::DistillationState state;
    state.loss_before = held_out_loss();
    state.loss_best = state.loss_before;
    if (finished) {
      state = *finished;
      restore(state);
    }
    const double earlier = state.seconds;
    data::Loader loader(request_.dataset,
                        samples_.training(),
                        samples_.loader_options(),
                        {state.epochs * passes_per_epoch(), 0});
    while (state.epochs < options_.epochs) {
      state.steps = train(loader, state.epochs, state.steps);
      ++state.epochs;
      const double loss = held_out_loss();
      if (loss < bar(state)) {
        state.loss_best = loss;
        state.best_epoch = state.epochs;
        take(state.best);
      }
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
      state.seconds = earlier + elapsed.count();
      if (!keep) continue;
      save(state);
      keep(state);
    }
    return result_of(state);
  }

 private:
  /// The loss below which the network of the epoch after `state` is used. With a few hundred
  /// samples tuning overfits, so the best epoch is used. But only the last one has low rates, and
  /// the held-out samples are too few for differences of less than 10 % to be significant: within
  /// that the last epoch is used, unless it is worse than no tuning.
  [[nodiscard]] double bar(const reconstruction::DistillationState& state) const {
    constexpr double kChance = 1.1;
    if (state.epochs < options_.epochs) return state.loss_best;
    return std::min(state.loss_before, kChance * state.loss_best);
  }

  // --- parameters --------------------------------------------------------------------------------

  void make_program() {
    block_ = part_.graph;
    const std::vector<ValueId> features(block_.outputs().begin() + 1, block_.outputs().end());
    block_.set_outputs({block_.outputs().front()});
    rounding::replace_biases(block_, request_.initial.biases);
    reconstruction::LearnedParts learned;
    for (const graph::Layer& layer : rounding::layers_of_part(part_, request_.layers)) {
      const auto codes = request_.initial.weights.find(block_.value(layer.weight).name);
      if (codes == request_.initial.weights.end()) continue;
      learned.weights.insert(layer.weight);
      if (weights_.contains(layer.weight)) continue;
      const Tensor& exact = *block_.value(layer.weight).constant;
      weights_.emplace(layer.weight, DistilledWeight(exact, codes->second));
      if (learns_codes(layer)) coded_.insert(layer.weight);
    }
    for (const auto& [value, params] : request_.initial.activations) {
      const auto own = part_.own.find(value);
      if (own == part_.own.end() || block_.consumers(own->second).empty()) continue;
      if (limits_.is_on_grid(value)) continue;
      learned.quantizers.emplace(own->second, params);
      if (limits_.tied.contains(value)) continue;
      learned.steps.insert(own->second);
      steps_.push_back(
          {.value = own->second, .base = params.scale.front(), .rule = limits_.rule(value)});
    }
    program_ = std::make_unique<reconstruction::BlockProgram>(
        block_,
        learned,
        reconstruction::ProgramOptions{.precision = options_.precision,
                                       .threads = options_.threads,
                                       .batch = batch(),
                                       .rows = 4,
                                       .features = features});
    for (auto& [id, weight] : weights_) hand_over(id, weight);
    if (options_.bias_rate > 0) start_biases();
    program_->weights_changed();
  }

  /// A layer with fewer positions in all samples than weights per channel, such as a classifier,
  /// would overfit.
  [[nodiscard]] bool learns_codes(const graph::Layer& layer) const {
    const auto weights_per_channel = layer.weight_count / layer.out_channels;
    const auto positions = layer.output_elements / layer.out_channels;
    return positions * static_cast<std::int64_t>(samples_.training().size()) >
           4 * weights_per_channel;
  }

  void hand_over(ValueId id, const DistilledWeight& weight) {
    weight.write_weights(program_->weights(id));
    program_->set_weight_scales(id, weight.scales());
  }

  void start_biases() {
    const std::map<ValueId, double> units = output_sizes();
    for (const ValueId id : program_->learnable_biases()) {
      const auto unit = units.find(id);
      if (unit == units.end()) continue;
      biases_.push_back({id, unit->second, AdamMoments(program_->bias(id).size())});
    }
  }

  /// Root mean square of each layer's output in the float network over one batch, by its bias.
  std::map<ValueId, double> output_sizes() {
    const auto layers = rounding::layers_of_part(part_, request_.layers);
    runtime::ExecutorOptions executor_options{.threads = options_.threads, .fuse = false};
    for (const graph::Layer& layer : layers) executor_options.captured.push_back(layer.output);
    runtime::Executor executor(part_.graph, executor_options);
    std::map<ValueId, double> by_output;
    auto state = executor.start_rows(std::min<std::int64_t>(batch(), 8),
                                     [&](std::size_t, std::int64_t row, std::span<float> out) {
                                       samples_.inputs().read(row, out);
                                     });
    std::map<ValueId, double> sizes;
    for (const graph::Layer& layer : layers) {
      executor.advance_past(state, layer.output);
      const MatrixView view = executor.rows(state, layer.output);
      const auto* values = static_cast<const float*>(view.data);
      double sum = 0.0;
      for (std::int64_t i = 0; i < view.rows * view.cols; ++i) {
        sum += static_cast<double>(values[i]) * values[i];
      }
      const double size = std::sqrt(sum / static_cast<double>(view.rows * view.cols));
      if (layer.bias != graph::kNoValue && size > 0.0) sizes[layer.bias] = size;
    }
    return sizes;
  }

  // --- training ----------------------------------------------------------------------------------

  [[nodiscard]] std::int64_t passes_per_epoch() const {
    return repeats_of(static_cast<std::int64_t>(request_.indices.size()), options_.epoch_samples);
  }
  [[nodiscard]] std::int64_t steps_per_epoch() const {
    return passes_per_epoch() *
           (static_cast<std::int64_t>(samples_.training().size()) / samples_.samples_per_step());
  }
  [[nodiscard]] std::int64_t total_steps() const { return options_.epochs * steps_per_epoch(); }

  [[nodiscard]] std::int64_t batch() const { return samples_.rows_per_step(); }
  /// A row is one sample's scores.
  [[nodiscard]] bool by_classes() const {
    return samples_.samples_per_row() == 1 && scores::kind_of(block_) != scores::Kind::None;
  }

  [[nodiscard]] reconstruction::StepData data() const {
    return {.inputs = &samples_.inputs(),
            .targets = &samples_.targets(),
            .loss = by_classes() ? reconstruction::BlockLoss::Divergence
                                 : reconstruction::BlockLoss::SquaredError};
  }

  /// On the cached rows from `first` on.
  double step(std::int64_t first) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(batch()));
    std::iota(rows.begin(), rows.end(), first);
    reconstruction::StepData sources = data();
    if (first >= samples_.held_out_rows()) {
      const auto count = static_cast<double>(samples_.features().size() * rows.size());
      for (const DistilledSamples::Feature& feature : samples_.features()) {
        sources.features.push_back(
            {.targets = feature.targets.get(),
             .skipped = samples_.held_out_rows(),
             .factor = options_.feature_weight / count / std::max(feature.energy, 1e-30)});
      }
    }
    return program_->step(sources,
                          rows,
                          static_cast<std::uint32_t>(random_.next()),
                          1.0 / static_cast<double>(rows.size()));
  }

  double held_out_loss() {
    double sum = 0.0;
    const std::int64_t rows = samples_.held_out_rows();
    for (std::int64_t first = 0; first < rows; first += batch()) sum += step(first);
    return sum * static_cast<double>(batch()) / static_cast<double>(rows);
  }

  /// Epoch `epoch`, after step `number`. @return the number of its last step.
  std::int64_t train(data::Loader& loader, std::int64_t epoch, std::int64_t number) {
    // A separate stream per epoch, so that a resumed run draws the same numbers.
    random_ = Random(options_.seed).split(fmt::format("distillation epoch {}", epoch));
    for (std::int64_t i = 0; i < steps_per_epoch(); ++i) {
      check_interrupt();
      samples_.put_step(loader.next(), random_);
      const double loss = step(samples_.held_out_rows());
      recent_loss_ = number == 0 ? loss : 0.95 * recent_loss_ + 0.05 * loss;
      update(++number);
      tell(number, recent_loss_);
    }
    return number;
  }

  void update(std::int64_t number) {
    const double done = static_cast<double>(number) / static_cast<double>(total_steps());
    const double share = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
    for (auto& [id, weight] : weights_) {
      weight.update(program_->weight_gradient(id),
                    share * options_.scale_rate,
                    coded_.contains(id) ? share * options_.level_rate : 0.0,
                    number);
      hand_over(id, weight);
    }
    for (DistilledBias& bias : biases_) {
      bias.moments.update(program_->bias_gradient(bias.value),
                          share * options_.bias_rate * bias.unit,
                          number,
                          program_->bias(bias.value));
    }
    for (DistilledStep& each : steps_) {
      const std::vector<float> gradient{static_cast<float>(program_->step_gradient(each.value)) *
                                        each.scale()};
      each.moments.update(gradient, share * options_.step_rate, number, each.t);
      program_->set_step(each.value, each.scale());
    }
    program_->weights_changed();
  }

  void tell(std::int64_t number, double loss) const {
    if (!progress_) return;
    progress_({.task = "distillation",
               .done = number,
               .total = total_steps(),
               .detail = fmt::format("loss {:.4g}", loss)});
  }

  // --- state -------------------------------------------------------------------------------------

  void take(reconstruction::BlockState& state) const {
    for (const auto& [id, weight] : weights_) {
      state.codes.insert_or_assign(block_.value(id).name, weight.codes());
    }
    for (const DistilledBias& bias : biases_) {
      const auto values = program_->bias(bias.value);
      state.biases[block_.value(bias.value).name] = {values.begin(), values.end()};
    }
    for (const DistilledStep& each : steps_) {
      state.steps[block_.value(each.value).name] = each.scale();
    }
  }

  [[nodiscard]] Distillation result_of(const reconstruction::DistillationState& state) const {
    Distillation result{.codes = request_.initial};
    for (const auto& [name, codes] : state.best.codes) result.codes.weights.at(name) = codes;
    for (const auto& [name, bias] : state.best.biases) result.codes.biases[name] = bias;
    for (const auto& [name, scale] : state.best.steps) {
      result.codes.activations.at(request_.graph.find_value(name)).scale = {scale};
    }
    limits_.repeat(result.codes.activations);
    result.loss_before = state.loss_before;
    result.loss_after = state.loss_best;
    result.best_epoch = state.best_epoch;
    result.kept_initial = state.best_epoch == 0;
    result.seconds = state.seconds;
    result.steps = state.steps;
    return result;
  }

  /// Visits all state that learning changes, by stable names.
  template <typename Visit>
  void visit(const Visit& visit) {
    const auto moments = [&](const std::string& name, AdamMoments& of) {
      visit(name + " first", of.first());
      visit(name + " second", of.second());
    };
    for (auto& [id, weight] : weights_) {
      const std::string& name = block_.value(id).name;
      weight.visit([&](std::string_view part, std::vector<float>& numbers) {
        visit(fmt::format("weight {} {}", name, part), numbers);
      });
    }
    for (DistilledBias& bias : biases_)
      moments("bias " + block_.value(bias.value).name, bias.moments);
    for (DistilledStep& each : steps_) {
      const std::string name = "step " + block_.value(each.value).name;
      visit(name, each.t);
      moments(name, each.moments);
    }
  }

  void save(reconstruction::DistillationState& state) {
    visit([&](const std::string& name, const std::vector<float>& numbers) {
      state.numbers[name] = numbers;
    });
    for (const DistilledBias& bias : biases_) {
      const auto values = program_->bias(bias.value);
      state.numbers["bias " + block_.value(bias.value).name] = {values.begin(), values.end()};
    }
  }

  static void require_scale(float scale, const std::string& name) {
    if (std::isfinite(scale) && scale > 0.0F) return;
    throw UnusableState("distillation",
                        fmt::format("the saved state gives '{}' the scale {}", name, scale));
  }

  void restore(const reconstruction::DistillationState& state) {
    if (state.steps != state.epochs * steps_per_epoch()) {
      throw UnusableState("distillation",
                          fmt::format("the saved state has {} steps in {} epochs of {} steps",
                                      state.steps,
                                      state.epochs,
                                      steps_per_epoch()));
    }
    const auto put = [&](const std::string& name, std::span<float> numbers) {
      const auto found = state.numbers.find(name);
      if (found == state.numbers.end() || found->second.size() != numbers.size()) {
        throw UnusableState(
            "distillation",
            fmt::format("the saved state has no '{}', or it has another size", name));
      }
      std::copy(found->second.begin(), found->second.end(), numbers.begin());
    };
    visit([&](const std::string& name, std::vector<float>& numbers) { put(name, numbers); });
    for (auto& [id, weight] : weights_) {
      weight.restored();
      for (const float scale : weight.scales()) require_scale(scale, block_.value(id).name);
      hand_over(id, weight);
    }
    for (const DistilledStep& each : steps_) {
      require_scale(each.scale(), block_.value(each.value).name);
    }
    for (const DistilledBias& bias : biases_) {
      put("bias " + block_.value(bias.value).name, program_->bias(bias.value));
    }
    for (const DistilledStep& each : steps_) program_->set_step(each.value, each.scale());
    program_->weights_changed();
  }

  const DistillationRequest& request_;
  const DistillationOptions& options_;
  const ProgressHandler& progress_;
  rounding::PartGraph part_;
  graph::Graph block_;  ///< the network with the initial biases
  rounding::QuantizerLimits limits_;
  Random random_;
  DistilledSamples samples_;
  std::map<ValueId, DistilledWeight> weights_;
  std::set<ValueId> coded_;  ///< weights whose codes are learned
  std::vector<DistilledBias> biases_;
  std::vector<DistilledStep> steps_;
  std::unique_ptr<reconstruction::BlockProgram> program_;
  double recent_loss_ = 0.0;
};

}  // namespace

std::int64_t repeats_of(std::int64_t samples, std::int64_t epoch_samples) {
  return std::max<std::int64_t>(epoch_samples / std::max<std::int64_t>(samples, 1), 1);
}

Distillation distill(const DistillationRequest& request,
                     const DistillationOptions& options,
                     const std::optional<reconstruction::DistillationState>& finished,
                     const KeepDistillation& keep,
                     const ProgressHandler& progress) {
  if (options.epochs < 1 || options.batch < 1) {
    throw ConfigError("distillation", "epochs and batch must be at least 1");
  }
  if (request.indices.empty()) {
    throw ConfigError("distillation", "no samples to tune with; give at least one");
  }
  return Distiller(request, options, progress).run(finished, keep);
}

}  // namespace ompq::distillation

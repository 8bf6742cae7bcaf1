#include "ompq/training/trainer.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/runtime/class_losses.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/thread_scope.h"
#include "ompq/scores/class_scores.h"
#include "ompq/training/check_options.h"
#include "ompq/training/losses.h"
#include "ompq/training/optimizers.h"
#include "ompq/training/schedules.h"
#include "ompq/training/trainable_graph.h"

namespace ompq::training {
namespace {

std::vector<at::Tensor> aten_of(const std::vector<Tensor>& tensors) {
  std::vector<at::Tensor> views;
  for (const Tensor& tensor : tensors) views.push_back(ops::to_aten(tensor));
  return views;
}

std::int64_t count_correct(const at::Tensor& logits, const std::vector<std::int64_t>& labels) {
  const at::Tensor rows = logits.detach().contiguous();
  const auto classes = static_cast<std::size_t>(rows.size(1));
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row(rows.data_ptr<float>() + i * classes, classes);
    correct += scores::best_class(row) == labels[i] ? 1 : 0;
  }
  return correct;
}

void swap_contents(const at::Tensor& a, const at::Tensor& b) {
  float* first = a.data_ptr<float>();
  std::swap_ranges(first, first + a.numel(), b.data_ptr<float>());
}

/// @throws DataError unless the state has finite numbers for a tensor of the trainer.
const Tensor& fitting(const TrainingState& state, const std::string& name, const at::Tensor& to) {
  const auto found = state.find(name);
  if (found == state.end()) {
    throw DataError("training state",
                    fmt::format("'{}' is missing; the state is from another training run", name));
  }
  if (found->second.shape() != to.sizes().vec() || found->second.type() != DataType::Float32) {
    throw DataError("training state",
                    fmt::format("'{}' has shape {} and type {}, expected shape {} and float32; the "
                                "state is from another training run",
                                name,
                                shape_text(found->second.shape()),
                                name_of(found->second.type()),
                                shape_text(to.sizes().vec())));
  }
  if (!std::ranges::all_of(found->second.data<float>(), [](float x) { return std::isfinite(x); })) {
    throw DataError("training state", fmt::format("'{}' has numbers that are not finite", name));
  }
  return found->second;
}

/// Copies a saved tensor to one of the trainer's.
void restore(const TrainingState& state, const std::string& name, const at::Tensor& to) {
  const at::NoGradGuard guard;
  to.copy_(ops::to_aten(fitting(state, name, to)));
}

Tensor saved(const at::Tensor& tensor) { return ops::from_aten(tensor.detach()); }

}  // namespace

struct Trainer::Impl {
  TrainerOptions options;
  TrainableGraph network;
  scores::Kind kind;  ///< of what the network makes
  const OptimizerRow* optimizer;
  std::vector<Moments> moments;
  std::vector<at::Tensor> averages;  ///< one for each of averaged(), or none
  std::unique_ptr<runtime::Executor> teacher;
  scores::Kind teacher_kind = scores::Kind::None;
  std::int64_t steps = 0;
  std::int64_t batches = 0;
  std::int64_t pending = 0;  ///< batches accumulated for the next step
  double last_rate = 0.0;
  double last_norm = 0.0;

  Impl(const graph::Graph& graph, const TrainerOptions& given)
      : options(given),
        network(graph, given.network),
        kind(scores::kind_of(network.folded_graph())),
        optimizer(&find_optimizer(given.optimizer.name)) {
    start();
  }

  /// All state with one entry per parameter.
  void start() {
    moments = make_moments(*optimizer, network.parameters());
    averages.clear();
    if (options.average_decay <= 0.0) return;
    for (const at::Tensor& tensor : averaged()) averages.push_back(tensor.clone());
  }

  /// The tensors with moving averages: parameters and running statistics.
  [[nodiscard]] std::vector<at::Tensor> averaged() {
    std::vector<at::Tensor> tensors;
    for (const Parameter& parameter : network.parameters()) {
      tensors.push_back(parameter.tensor.detach());
    }
    for (const Buffer& buffer : network.buffers()) tensors.push_back(buffer.tensor);
    return tensors;
  }

  [[nodiscard]] runtime::ThreadScope threads() const {
    return runtime::ThreadScope(runtime::resolved_threads(options.threads));
  }

  at::Tensor teacher_logits(const TrainingBatch& batch) const {
    if (!teacher || options.loss.distillation <= 0.0) return {};
    const at::Tensor output = ops::to_aten(teacher->run(batch.inputs).front()).clone();
    return runtime::logits_of(output, teacher_kind);
  }

  StepReport step(const TrainingBatch& batch) {
    const at::Tensor wanted = teacher_logits(batch);
    const at::Tensor output = network.forward(aten_of(batch.inputs), Mode::Training).front();
    const at::Tensor logits = runtime::logits_of(output, kind);
    const at::Tensor loss = training_loss(logits, batch.labels, wanted, options.loss);
    const auto value = loss.item<double>();
    if (!std::isfinite(value)) fail("loss", value);
    const runtime::BackwardScope backward;
    (loss / static_cast<double>(options.accumulation)).backward();
    if (++pending == options.accumulation) apply();
    ++batches;
    return {.batch = batches,
            .step = steps,
            .loss = value,
            .rate = last_rate,
            .gradient_norm = last_norm,
            .correct = count_correct(logits, batch.labels)};
  }

  void apply() {
    auto& parameters = network.parameters();
    last_norm = clip_gradients(parameters, options.optimizer.clip_norm);
    if (!std::isfinite(last_norm)) fail("gradient", last_norm);
    last_rate = options.optimizer.rate * rate_share(options.schedule, steps);
    ++steps;
    apply_gradients(*optimizer, options.optimizer, last_rate, steps, parameters, moments);
    network.project();
    forget_gradients();
    if (!averages.empty()) update_averages(options.average_decay, steps, averaged(), averages);
  }

  void forget_gradients() {
    pending = 0;
    for (Parameter& parameter : network.parameters()) parameter.tensor.mutable_grad().reset();
  }

  [[noreturn]] void fail(std::string_view what, double value) {
    const double rate = options.optimizer.rate * rate_share(options.schedule, steps);
    forget_gradients();
    throw DataError("training",
                    fmt::format("the {} is {} in batch {}, after {} steps, at rate {}; return to "
                                "the last valid state with a lower rate, or clip gradients",
                                what,
                                value,
                                batches + 1,
                                steps,
                                rate));
  }

  /// Replaces the tensors by their averages during its lifetime.
  struct Averaged {
    explicit Averaged(Impl& owner) : impl(owner) { swap(); }
    ~Averaged() { swap(); }
    Averaged(const Averaged&) = delete;
    Averaged& operator=(const Averaged&) = delete;
    void swap() const {
      const std::vector<at::Tensor> now = impl.averaged();
      for (std::size_t i = 0; i < impl.averages.size(); ++i) {
        swap_contents(now[i], impl.averages[i]);
      }
    }
    Impl& impl;
  };

  // --- state -------------------------------------------------------------------------------------

  /// Calls f(name, tensor) for all state of the training.
  template <typename F>
  void for_state(F f) {
    auto& parameters = network.parameters();
    auto average = averages.begin();
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const std::string& name = parameters[p].name;
      f("parameter/" + name, parameters[p].tensor);
      f("first_moment/" + name, moments[p].first);
      if (moments[p].second.defined()) f("second_moment/" + name, moments[p].second);
      if (!averages.empty()) f("average/parameter/" + name, *average++);
    }
    for (const Buffer& buffer : network.buffers()) {
      f("buffer/" + buffer.name, buffer.tensor);
      if (!averages.empty()) f("average/buffer/" + buffer.name, *average++);
    }
  }

  TrainingState state() {
    TrainingState result;
    for_state([&](const std::string& name, const at::Tensor& tensor) {
      result.emplace(name, saved(tensor));
    });
    for (const Parameter& parameter : network.parameters()) {
      if (pending == 0 || !parameter.tensor.grad().defined()) continue;
      result.emplace("gradient/" + parameter.name, saved(parameter.tensor.grad()));
    }
    result.emplace("counters",
                   Tensor::from<std::int64_t>({3}, std::vector{steps, batches, pending}));
    return result;
  }

  /// @throws DataError unless load_state() can load the state.
  void check_state(const TrainingState& state) {
    const auto counters = state.find("counters");
    if (counters == state.end() || counters->second.type() != DataType::Int64 ||
        counters->second.elements() != 3) {
      throw DataError("training state", "'counters' is missing or not three int64 numbers");
    }
    const auto numbers = counters->second.data<std::int64_t>();
    const bool counts = std::ranges::all_of(numbers, [](std::int64_t n) { return n >= 0; }) &&
                        numbers[0] <= numbers[1] && numbers[2] < options.accumulation;
    if (!counts) {
      throw DataError("training state",
                      fmt::format("its counters are {} steps, {} batches, {} pending ones",
                                  numbers[0],
                                  numbers[1],
                                  numbers[2]));
    }
    std::size_t known = 1;
    for_state([&](const std::string& name, const at::Tensor& tensor) {
      (void)fitting(state, name, tensor);
      ++known;
    });
    for (const Parameter& parameter : network.parameters()) {
      const std::string name = "gradient/" + parameter.name;
      if (!state.contains(name)) continue;
      (void)fitting(state, name, parameter.tensor);
      ++known;
    }
    if (known != state.size()) {
      throw DataError(
          "training state",
          fmt::format("{} tensors, of which {} are known; the state is from another training run",
                      state.size(),
                      known));
    }
  }

  void load_state(const TrainingState& state) {
    check_state(state);
    forget_gradients();
    for_state(
        [&](const std::string& name, const at::Tensor& tensor) { restore(state, name, tensor); });
    for (Parameter& parameter : network.parameters()) {
      const std::string name = "gradient/" + parameter.name;
      if (!state.contains(name)) continue;
      const at::Tensor gradient = at::empty_like(parameter.tensor.detach());
      restore(state, name, gradient);
      parameter.tensor.mutable_grad() = gradient;
    }
    const auto numbers = state.at("counters").data<std::int64_t>();
    steps = numbers[0];
    batches = numbers[1];
    pending = numbers[2];
  }
};

Trainer::Trainer(const graph::Graph& graph, const TrainerOptions& options) {
  check_options(options);
  impl_ = std::make_unique<Impl>(graph, options);
}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

void Trainer::quantize(const rounding::NetworkCodes& codes, std::string_view method) {
  if (impl_->batches > 0) {
    throw ConfigError("training", "quantize() must be called before the first step");
  }
  impl_->network.quantize(codes, method);
  impl_->start();
}

void Trainer::teach(const graph::Graph& teacher) {
  graph::Graph folded = teacher;
  graph::fold_batch_norms(folded);
  folded.sort();
  impl_->teacher_kind = scores::kind_of(folded);
  impl_->teacher = std::make_unique<runtime::Executor>(
      folded,
      runtime::ExecutorOptions{.precision = impl_->options.network.precision,
                               .threads = impl_->options.threads});
}

StepReport Trainer::step(const TrainingBatch& batch) {
  const auto scope = impl_->threads();
  return impl_->step(batch);
}

std::int64_t Trainer::reestimate_norms(const NextBatch& next) {
  const auto scope = impl_->threads();
  const Impl::Averaged averaged(*impl_);
  std::int64_t seen = 0;
  TrainingBatch batch;
  while (next(batch)) {
    (void)impl_->network.forward(
        aten_of(batch.inputs), Mode::Reestimation, 1.0 / static_cast<double>(++seen));
  }
  return seen;
}

TrainingState Trainer::state() const { return impl_->state(); }
void Trainer::load_state(const TrainingState& state) { impl_->load_state(state); }
std::int64_t Trainer::steps() const { return impl_->steps; }
std::int64_t Trainer::batches() const { return impl_->batches; }
const graph::Graph& Trainer::folded_graph() const { return impl_->network.folded_graph(); }
const std::vector<graph::Layer>& Trainer::layers() const { return impl_->network.layers(); }

graph::Graph Trainer::float_graph() {
  const Impl::Averaged averaged(*impl_);
  return impl_->network.float_graph();
}
graph::Graph Trainer::unfolded_graph() {
  const Impl::Averaged averaged(*impl_);
  return impl_->network.unfolded_graph();
}
rounding::NetworkCodes Trainer::codes() {
  const Impl::Averaged averaged(*impl_);
  return impl_->network.codes();
}

}  // namespace ompq::training

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/layer_function.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/executor_impl.h"
#include "ompq/runtime/fake_quantize.h"
#include "ompq/runtime/passes.h"
#include "ompq/runtime/thread_scope.h"

namespace ompq::runtime {

using graph::ValueId;

Executor::State::State() : data_(std::make_unique<Data>()) {}
Executor::State::~State() = default;
Executor::State::State(const State& other) : data_(std::make_unique<Data>(*other.data_)) {}
Executor::State& Executor::State::operator=(const State& other) {
  if (this != &other) *data_ = *other.data_;
  return *this;
}
Executor::State::State(State&&) noexcept = default;
Executor::State& Executor::State::operator=(State&&) noexcept = default;

std::size_t Executor::State::live_values() const {
  if (data_ == nullptr) return 0;
  if (data_->values.empty()) return 0;
  const auto& values = data_->values.front();
  return static_cast<std::size_t>(std::count_if(
      values.begin(), values.end(), [](const at::Tensor& value) { return value.defined(); }));
}

Executor::Executor(const graph::Graph& graph, ExecutorOptions options)
    : impl_(std::make_unique<Impl>(graph, std::move(options))) {}
Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;

std::vector<Tensor> Executor::run(std::span<const Tensor> inputs, const CaptureHandler& capture) {
  State state = start(inputs);
  for (const ValueId id : impl_->graph.inputs()) {
    if (!state.data_->values.front()[index_of(id)].defined()) continue;
    impl_->capture_value(id, impl_->parts_of(*state.data_, id), state.data_->passes, capture);
  }
  impl_->run_until(state, impl_->plan.steps.size(), capture);
  return impl_->collect(*state.data_);
}

Executor::State Executor::start(std::span<const Tensor> inputs) {
  const at::NoGradGuard no_grad;
  const ThreadScope scope(impl_->threads);
  return impl_->start(inputs);
}

Executor::State Executor::start_rows(std::int64_t samples, const RowFiller& fill) {
  const at::NoGradGuard no_grad;
  const ThreadScope scope(impl_->threads);
  return impl_->start_rows(samples, fill);
}

void Executor::advance_to_reader_of(State& state, ValueId weight) {
  const std::size_t reader = impl_->reader_of(weight);
  impl_->require_started(state);
  if (state.data_->next_step > reader) {
    throw ConfigError("runtime",
                      fmt::format("the pass is already past the node that reads '{}'; start again",
                                  impl_->graph.value(weight).name));
  }
  impl_->run_until(state, reader, {});
}

ValueId Executor::run_reader_of(State& state, ValueId weight) {
  const std::size_t reader = impl_->reader_of(weight);
  impl_->require_started(state);
  if (state.data_->next_step != reader) {
    throw ConfigError(
        "runtime",
        fmt::format("the pass is not at the node that reads '{}'; advance to it first",
                    impl_->name(weight)));
  }
  impl_->run_until(state, reader + 1, {});
  return graph::main_output(impl_->graph, impl_->graph.node(impl_->plan.steps[reader].node));
}

void Executor::advance_past(State& state, ValueId value) {
  const std::size_t steps = impl_->steps_until(value);
  impl_->require_started(state);
  if (state.data_->next_step > steps) {
    throw ConfigError(
        "runtime",
        fmt::format("the pass is already past the node that produces '{}'; start again",
                    impl_->name(value)));
  }
  impl_->run_until(state, steps, {});
}

std::size_t Executor::position(ValueId value) const { return impl_->steps_until(value); }

std::size_t Executor::reader_position(ValueId weight) const { return impl_->reader_of(weight); }

MatrixView Executor::rows(State& state, ValueId value) const {
  impl_->require_live(state, value);
  at::Tensor& rows = state.data_->shown[value];
  rows = rows_by_sample(
      impl_->parts_of(*state.data_, value), impl_->graph.value(value), state.data_->passes);
  return view_of(rows);
}

Tensor Executor::value(const State& state, ValueId value) const {
  impl_->require_live(state, value);
  return host_copy(joined(impl_->parts_of(*state.data_, value), state.data_->passes));
}

void Executor::set_value(State& state, ValueId value, const Tensor& tensor) {
  impl_->require_live(state, value);
  const std::vector<at::Tensor> held = impl_->parts_of(*state.data_, value);
  const auto sizes = joined(held, state.data_->passes).sizes().vec();
  if (tensor.shape() != sizes) {
    throw ShapeError("runtime",
                     fmt::format("value '{}' has shape {}, but the new one {}; keep the shape",
                                 impl_->name(value),
                                 shape_text(sizes),
                                 shape_text(tensor.shape())));
  }
  const ThreadScope scope(impl_->threads);
  const at::Tensor whole =
      ops::to_aten(tensor).to(held.front().scalar_type(), false, /*copy=*/true);
  const std::vector<at::Tensor> parts = divided(whole, held.front(), state.data_->passes);
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const auto format =
        parts[p].dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    state.data_->values[p][index_of(value)] = parts[p].contiguous(format);
  }
  state.data_->shown.clear();
}

void Executor::fake_quantize(State& state, ValueId value, const quant::QuantParams& params) {
  impl_->require_live(state, value);
  if (params.scale.size() != 1 || params.zero_point.size() != 1) {
    throw ConfigError("runtime",
                      fmt::format("an activation's quantizer has one scale, not {} (value '{}')",
                                  params.scale.size(),
                                  impl_->name(value)));
  }
  const ThreadScope scope(impl_->threads);
  const quant::Grid grid = quant::grid_of(params);
  for (std::vector<at::Tensor>& values : state.data_->values) {
    at::Tensor& held = values[index_of(value)];
    const at::Tensor source = dnnl_activation(held, at::kFloat, impl_->pool);
    const at::Tensor result = at::empty_like(source);
    runtime::fake_quantize(source, result, grid);
    held = result;
  }
  state.data_->shown.clear();
}

std::vector<Tensor> Executor::finish(State&& state) {
  State taken = std::move(state);
  impl_->run_until(taken, impl_->plan.steps.size(), {});
  return impl_->collect(*taken.data_);
}

void Executor::set_constant(ValueId weight, const Tensor& tensor) {
  (void)impl_->reader_of(weight);
  const graph::Value& value = impl_->graph.value(weight);
  const auto& shape = value.constant->shape();
  if (tensor.shape() != shape || tensor.type() != value.type) {
    throw ShapeError("runtime",
                     fmt::format("constant '{}' is {} of {}, but the new one {} of {}; keep both",
                                 value.name,
                                 shape_text(shape),
                                 name_of(value.type),
                                 shape_text(tensor.shape()),
                                 name_of(tensor.type())));
  }
  impl_->constants[index_of(weight)] = ops::to_aten(tensor);
  for (std::size_t step = 0; step < impl_->plan.steps.size(); ++step) {
    const auto& inputs = impl_->graph.node(impl_->plan.steps[step].node).inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == weight) impl_->kernels[step]->constant_changed(i);
    }
  }
}

Precision Executor::precision() const { return impl_->precision; }

int Executor::threads() const { return impl_->threads; }

std::vector<NodeTime> Executor::profile() const {
  std::vector<NodeTime> times = impl_->times;
  for (std::size_t step = 0; step < times.size(); ++step) {
    times[step].kernel = impl_->kernels[step]->description();
  }
  return times;
}

}  // namespace ompq::runtime

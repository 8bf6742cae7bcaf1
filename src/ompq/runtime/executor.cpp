#include "ompq/runtime/executor.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/layer_function.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/fake_quantize.h"
#include "ompq/runtime/input_sources.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/passes.h"
#include "ompq/runtime/plan.h"
#include "ompq/runtime/precision.h"
#include "ompq/runtime/thread_scope.h"

namespace ompq::runtime {

using graph::ValueId;

namespace {

std::size_t index_of(ValueId value) { return static_cast<std::size_t>(value); }

void check_device(const std::string& device) {
  if (device == "cpu") return;
  if (device != "cuda") {
    throw ConfigError("runtime", fmt::format("device '{}' is unknown; use cpu or cuda", device));
  }
  throw ConfigError("runtime", "this build runs on the processor alone; use device cpu");
}

/// A dense matrix as it lies in memory.
MatrixView view_of(const at::Tensor& rows) {
  return {.data = rows.data_ptr(),
          .type = ops::data_type_of(rows.scalar_type()),
          .rows = rows.size(0),
          .cols = rows.size(1),
          .row_stride = rows.size(1)};
}

/// Row-major, bfloat16 as float32.
Tensor host_copy(const at::Tensor& tensor) {
  const bool narrow = tensor.scalar_type() == at::kBFloat16;
  return ops::from_aten(narrow ? tensor.to(at::kFloat) : tensor);
}

}  // namespace

struct Executor::State::Data {
  std::size_t next_step = 0;
  Passes passes;
  /// By pass and ValueId; undefined where dead or not there yet.
  std::vector<std::vector<at::Tensor>> values;
  /// What rows() showed, until the passes go on.
  std::unordered_map<ValueId, at::Tensor> shown;
};

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

struct Executor::Impl {
  graph::Graph graph;
  ExecutorOptions options;
  Precision precision;
  int threads;
  ExecutionPlan plan;
  BufferPool pool;
  std::vector<std::unique_ptr<Kernel>> kernels;  ///< by step
  std::vector<at::Tensor> constants;             ///< by ValueId
  std::vector<bool> is_captured;                 ///< by ValueId
  std::vector<bool> is_fresh;                    ///< by ValueId: no other value shares its memory
  std::vector<NodeTime> times;                   ///< by step, with options.profile

  Impl(const graph::Graph& original, ExecutorOptions given)
      : graph(original),
        options(std::move(given)),
        precision(resolve_precision(options.precision)),
        threads(resolved_threads(options.threads)) {
    check_device(options.device);
    if (options.fuse) graph::fuse(graph, options.captured);
    plan = make_plan(graph);
    load_constants();
    mark_captured();
    make_kernels();
  }

  [[nodiscard]] at::ScalarType activation_type() const {
    return precision == Precision::BFloat16 ? at::kBFloat16 : at::kFloat;
  }

  void load_constants() {
    constants.resize(graph.values().size());
    const auto load = [&](ValueId id) {
      if (!graph.is_constant(id) || constants[index_of(id)].defined()) return;
      constants[index_of(id)] = ops::to_aten(*graph.value(id).constant);
    };
    for (const graph::Node& node : graph.nodes()) {
      std::for_each(node.inputs.begin(), node.inputs.end(), load);
    }
    std::for_each(graph.outputs().begin(), graph.outputs().end(), load);
  }

  void mark_captured() {
    is_captured.assign(graph.values().size(), false);
    const auto& inputs = graph.inputs();
    for (const ValueId value : options.captured) {
      const bool known = value >= 0 && index_of(value) < graph.values().size();
      const bool is_input = std::find(inputs.begin(), inputs.end(), value) != inputs.end();
      if (!known || (!is_input && graph.producer(value) == graph::kNoNode)) {
        throw ConfigError(
            "runtime",
            fmt::format("value '{}' cannot be captured: no node makes it; capture activations",
                        known ? graph.value(value).name : std::to_string(value)));
      }
      is_captured[index_of(value)] = true;
    }
  }

  void make_kernels() {
    const ThreadScope scope(threads);
    is_fresh.assign(graph.values().size(), false);
    for (const Step& step : plan.steps) {
      const graph::Node& node = graph.node(step.node);
      const bool output = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
        return id != graph::kNoValue && graph.is_output(id);
      });
      const KernelRequest request{
          graph, node, activation_type(), output ? at::kFloat : activation_type()};
      kernels.push_back(make_kernel(request, /*plain=*/false));
      for (const ValueId id : node.outputs) {
        if (id != graph::kNoValue) is_fresh[index_of(id)] = kernels.back()->makes_fresh_outputs();
      }
      if (options.profile) times.push_back({.name = node.name, .op_type = node.op_type});
    }
  }

  // --- one pass ----------------------------------------------------------------------------------

  State start(std::span<const Tensor> inputs) {
    State state = blank(passes_for(graph, inputs));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const ValueId id = graph.inputs()[i];
      if (graph.consumers(id).empty() && !graph.is_output(id) && !is_captured[index_of(id)]) {
        continue;
      }
      const graph::Value& input = graph.value(id);
      const Tensor& given = inputs[i];
      const at::Tensor all =
          ops::to_aten(given.type() == input.type ? given : given.converted_to(input.type));
      const Passes& passes = state.data_->passes;
      for (std::int64_t p = 0; p < passes.count(); ++p) {
        state.data_->values[static_cast<std::size_t>(p)][index_of(id)] =
            as_activation(part_of(all, input, passes, p), id);
      }
    }
    return state;
  }

  [[nodiscard]] State blank(const Passes& passes) const {
    State state;
    state.data_->passes = passes;
    state.data_->values.assign(static_cast<std::size_t>(passes.count()),
                               std::vector<at::Tensor>(graph.values().size()));
    return state;
  }

  at::Tensor as_activation(const at::Tensor& tensor, ValueId input) {
    const bool image = tensor.scalar_type() == at::kFloat && tensor.dim() == 4;
    return image ? dnnl_activation(tensor, input_type(input), pool) : tensor;
  }

  State start_rows(std::int64_t rows, const RowFiller& fill) {
    const bool open = std::ranges::any_of(graph.inputs(), [&](ValueId id) {
      return !graph::fixed_extents(graph.value(id).shape.value()).has_value();
    });
    State state = blank(open ? Passes{rows, rows, false} : Passes{rows, 1, true});
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      for (std::int64_t p = 0; p < state.data_->passes.count(); ++p) {
        state.data_->values[static_cast<std::size_t>(p)][index_of(graph.inputs()[i])] =
            filled_input(i, p, state.data_->passes.at_once, fill);
      }
    }
    return state;
  }

  /// Input number `i` of a pass over `count` rows from row `first` on; one that does not depend on
  /// the samples is filled from the first.
  at::Tensor filled_input(std::size_t i,
                          std::int64_t first,
                          std::int64_t count,
                          const RowFiller& fill) {
    const ValueId id = graph.inputs()[i];
    const graph::Value& input = graph.value(id);
    const auto open = std::ranges::find(*input.shape, true, &graph::Dim::times_batch);
    const bool shared = open == input.shape->end();
    const std::int64_t axis = shared ? 0 : open - input.shape->begin();
    std::vector<std::int64_t> sizes = graph::extents_at(*input.shape, count);
    std::rotate(sizes.begin(), sizes.begin() + axis, sizes.begin() + axis + (shared ? 0 : 1));
    at::Tensor tensor = pool.empty(sizes, at::kFloat);
    const std::int64_t rows = shared ? 1 : count;
    const auto cols = static_cast<std::size_t>(tensor.numel() / rows);
    auto* data = tensor.data_ptr<float>();
#pragma omp parallel for schedule(static) num_threads(threads)
    for (std::int64_t row = 0; row < rows; ++row) {
      fill(i, first + row, {data + static_cast<std::size_t>(row) * cols, cols});
    }
    if (axis > 0) tensor = tensor.movedim(0, axis).contiguous();
    if (input.type != DataType::Float32) tensor = tensor.to(ops::scalar_type_of(input.type));
    return as_activation(tensor, id);
  }

  /// bfloat16 for an image that convolutions alone read; arithmetic in front of them (a
  /// normalization, say) sees the exact pixels.
  [[nodiscard]] at::ScalarType input_type(ValueId id) const {
    const auto readers = graph.consumers(id);
    const bool convolved = std::all_of(readers.begin(), readers.end(), [&](graph::NodeId reader) {
      return graph.node(reader).is("Conv") || graph.node(reader).is("FusedConv");
    });
    return convolved ? activation_type() : at::kFloat;
  }

  /// Shows what all passes made of a value.
  void capture_value(ValueId id,
                     std::span<const at::Tensor> parts,
                     const Passes& passes,
                     const CaptureHandler& capture) const {
    if (!is_wanted(id, capture)) return;
    capture(id, view_of(rows_by_sample(parts, graph.value(id), passes)));
  }

  [[nodiscard]] bool is_wanted(ValueId id, const CaptureHandler& capture) const {
    return capture && id != graph::kNoValue && is_captured[index_of(id)];
  }

  /// The node's inputs; those that it reads as the last leave the pass.
  std::vector<at::Tensor> take_inputs(std::vector<at::Tensor>& values, const Step& step) {
    const auto& ids = graph.node(step.node).inputs;
    std::vector<at::Tensor> taken(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == graph::kNoValue) continue;
      taken[i] = graph.is_constant(ids[i]) ? constants[index_of(ids[i])] : values[index_of(ids[i])];
    }
    for (const ValueId dead : step.last_read) values[index_of(dead)] = at::Tensor();
    return taken;
  }

  /// Memory that a kernel may write its result to: no value, state or view holds it any more.
  std::unique_ptr<bool[]> overwritable(const Step& step, const std::vector<at::Tensor>& inputs) {
    const auto& ids = graph.node(step.node).inputs;
    auto allowed = std::make_unique<bool[]>(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      allowed[i] = inputs[i].defined() && !graph.is_constant(ids[i]) &&
                   is_fresh[index_of(ids[i])] && inputs[i].use_count() == 1 &&
                   inputs[i].storage().use_count() == 1;
    }
    return allowed;
  }

  /// One node, in every pass: its constants are read once, and what a layer makes of all samples
  /// is there at once.
  void run_step(State::Data& state, const CaptureHandler& capture) {
    const Step& step = plan.steps[state.next_step];
    const graph::Node& node = graph.node(step.node);
    std::vector<std::vector<at::Tensor>> made(node.outputs.size());
    for (std::vector<at::Tensor>& values : state.values) {
      std::vector<at::Tensor> outputs = run_pass(state.next_step, values);
      outputs.resize(made.size());  // operands that the node leaves out may be missing
      for (std::size_t i = 0; i < made.size(); ++i) made[i].push_back(std::move(outputs[i]));
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      const ValueId id = node.outputs[i];
      if (id == graph::kNoValue) continue;
      capture_value(id, made[i], state.passes, capture);
      const bool unread =
          std::find(step.last_read.begin(), step.last_read.end(), id) != step.last_read.end();
      for (std::size_t p = 0; !unread && p < made[i].size(); ++p) {
        state.values[p][index_of(id)] = std::move(made[i][p]);
      }
    }
    ++state.next_step;
  }

  /// @return the outputs of step number `index` in one pass.
  std::vector<at::Tensor> run_pass(std::size_t index, std::vector<at::Tensor>& values) {
    const Step& step = plan.steps[index];
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<at::Tensor> inputs = take_inputs(values, step);
    const auto allowed = overwritable(step, inputs);
    std::vector<at::Tensor> outputs = run_kernel(
        *kernels[index], graph.node(step.node), inputs, {pool, {allowed.get(), inputs.size()}});
    note_time(index, begin);
    return outputs;
  }

  std::vector<at::Tensor> run_kernel(Kernel& kernel,
                                     const graph::Node& node,
                                     const std::vector<at::Tensor>& inputs,
                                     const KernelContext& context) const {
    const auto fail = [&](std::string_view reason) {
      if (reason.find("can't allocate memory") != std::string_view::npos) {
        throw DataError(fmt::format("{} node '{}'", node.op_type, node.name),
                        "what it makes does not fit into memory; try a smaller --batch, or smaller "
                        "inputs");
      }
      throw InternalError("runtime",
                          fmt::format("{} node '{}' failed: {}", node.op_type, node.name, reason));
    };
    try {
      return kernel.run(inputs, context);
    } catch (const dnnl::error& error) {
      fail(error.what());
    } catch (const c10::Error& error) {
      fail(error.what_without_backtrace());
    } catch (const DataError& error) {
      throw DataError("samples", message_with_sources(graph, node, error));
    }
    return {};
  }

  void note_time(std::size_t step, std::chrono::steady_clock::time_point begin) {
    if (times.empty()) return;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    NodeTime& row = times[step];
    const bool first = row.calls++ == 0;
    row.seconds += elapsed.count();
    row.fastest_seconds = first ? elapsed.count() : std::min(row.fastest_seconds, elapsed.count());
  }

  void run_until(State& state, std::size_t end, const CaptureHandler& capture) {
    require_started(state);
    const at::NoGradGuard no_grad;
    const ThreadScope scope(threads);
    state.data_->shown.clear();
    while (state.data_->next_step < end) run_step(*state.data_, capture);
  }

  void require_started(const State& state) const {
    if (state.data_ != nullptr && !state.data_->values.empty() &&
        state.data_->values.front().size() == graph.values().size()) {
      return;
    }
    throw ConfigError(
        "runtime",
        "the state was already finished, or belongs to another network; make one with start()");
  }

  /// What each pass has of a value, constants included.
  [[nodiscard]] std::vector<at::Tensor> parts_of(const State::Data& state, ValueId id) const {
    std::vector<at::Tensor> parts;
    for (const auto& values : state.values) {
      parts.push_back(graph.is_constant(id) ? constants[index_of(id)] : values[index_of(id)]);
    }
    return parts;
  }

  std::vector<Tensor> collect(const State::Data& state) const {
    std::vector<Tensor> outputs;
    for (const ValueId id : graph.outputs()) {
      outputs.push_back(host_copy(joined(parts_of(state, id), state.passes)));
    }
    return outputs;
  }

  std::string name(ValueId id) const {
    const bool known = id >= 0 && index_of(id) < graph.values().size();
    return known ? graph.value(id).name : std::to_string(id);
  }

  /// @throws ConfigError unless the passes hold the value now.
  void require_live(const State& state, ValueId id) const {
    require_started(state);
    const bool known = id >= 0 && index_of(id) < graph.values().size();
    if (known && state.data_->values.front()[index_of(id)].defined()) return;
    throw ConfigError("runtime",
                      fmt::format("value '{}' is not alive here: it is yet to be made, was read by "
                                  "its last reader, or was fused away; advance to where it is",
                                  name(id)));
  }

  /// Steps that have run once `value` exists.
  std::size_t steps_until(ValueId id) const {
    const auto& inputs = graph.inputs();
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) return 0;
    for (std::size_t step = 0; step < plan.steps.size(); ++step) {
      const auto& made = graph.node(plan.steps[step].node).outputs;
      if (std::find(made.begin(), made.end(), id) != made.end()) return step + 1;
    }
    throw ConfigError("runtime",
                      fmt::format("no node makes value '{}' after fusion; name it in "
                                  "ExecutorOptions::captured",
                                  name(id)));
  }

  std::size_t reader_of(ValueId weight) const {
    const std::size_t reader = plan.first_reader(graph, weight);
    if (reader == plan.steps.size()) {
      throw ConfigError("runtime",
                        fmt::format("no node reads constant '{}'; name a layer's weight",
                                    graph.value(weight).name));
    }
    return reader;
  }
};

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
    throw ConfigError("runtime",
                      fmt::format("the pass does not stand in front of the node that reads '{}'; "
                                  "advance to it first",
                                  impl_->name(weight)));
  }
  impl_->run_until(state, reader + 1, {});
  return graph::main_output(impl_->graph, impl_->graph.node(impl_->plan.steps[reader].node));
}

void Executor::advance_past(State& state, ValueId value) {
  const std::size_t steps = impl_->steps_until(value);
  impl_->require_started(state);
  if (state.data_->next_step > steps) {
    throw ConfigError("runtime",
                      fmt::format("the pass is already past the node that makes '{}'; start again",
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
                     fmt::format("value '{}' is {} here but the new one {}; keep the shape",
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
  const auto zero = static_cast<float>(params.zero_point.front());
  const auto top = static_cast<float>(params.bits.levels() - 1);
  for (std::vector<at::Tensor>& values : state.data_->values) {
    at::Tensor& held = values[index_of(value)];
    const at::Tensor source = dnnl_activation(held, at::kFloat, impl_->pool);
    const at::Tensor result = at::empty_like(source);
    snap_to_levels(source, result, {params.scale.front(), -zero, top - zero});
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
                     fmt::format("constant '{}' is {} of {} but the new one {} of {}; keep both",
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

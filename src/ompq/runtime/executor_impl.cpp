#include "ompq/runtime/executor_impl.h"

#include <algorithm>
#include <new>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/first_failure.h"
#include "ompq/core/out_of_memory.h"
#include "ompq/graph/fuse_integers.h"
#include "ompq/graph/fuse_quantizers.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/allocation_failure.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/input_sources.h"
#include "ompq/runtime/thread_scope.h"

namespace ompq::runtime {

using graph::ValueId;

namespace {

void check_device(const std::string& device) {
  if (device == "cpu") return;
  if (device != "cuda") {
    throw ConfigError("runtime", fmt::format("device '{}' is unknown; use cpu or cuda", device));
  }
  throw ConfigError("runtime", "this build supports only the CPU; use device cpu");
}

}  // namespace

Executor::Impl::Impl(const graph::Graph& original, ExecutorOptions given)
    : graph(original),
      options(std::move(given)),
      precision(resolve_precision(options.precision)),
      threads(resolved_threads(options.threads)) {
  check_device(options.device);
  check_captured();  // before passes that mark these values
  const bool integers = options.fuse && options.integer_kernels && precision == Precision::Float32;
  if (integers && options.captured.empty()) graph::drop_bounds_before_quantizers(graph);
  if (options.fuse) graph::fuse(graph, options.captured);
  if (integers) graph::fuse_integers(graph, options.captured);
  plan = make_plan(graph);
  load_constants();
  mark_captured();
  make_kernels();
}

at::ScalarType Executor::Impl::activation_type() const {
  return precision == Precision::BFloat16 ? at::kBFloat16 : at::kFloat;
}

void Executor::Impl::load_constants() {
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

void Executor::Impl::check_captured() const {
  const auto& inputs = graph.inputs();
  for (const ValueId value : options.captured) {
    const bool known = value >= 0 && index_of(value) < graph.values().size();
    const bool is_input = std::find(inputs.begin(), inputs.end(), value) != inputs.end();
    if (known && (is_input || graph.producer(value) != graph::kNoNode)) continue;
    throw ConfigError(
        "runtime",
        fmt::format("value '{}' cannot be captured: no node produces it; capture activations",
                    known ? graph.value(value).name : std::to_string(value)));
  }
}

void Executor::Impl::mark_captured() {
  is_captured.assign(graph.values().size(), false);
  for (const ValueId value : options.captured) is_captured[index_of(value)] = true;
}

void Executor::Impl::make_kernels() {
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

Executor::State Executor::Impl::start(std::span<const Tensor> inputs) {
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

Executor::State Executor::Impl::blank(const Passes& passes) const {
  State state;
  state.data_->passes = passes;
  state.data_->values.assign(static_cast<std::size_t>(passes.count()),
                             std::vector<at::Tensor>(graph.values().size()));
  return state;
}

at::Tensor Executor::Impl::as_activation(const at::Tensor& tensor, ValueId input) {
  const bool image = tensor.scalar_type() == at::kFloat && tensor.dim() == 4;
  return image ? dnnl_activation(tensor, input_type(input), pool) : tensor;
}

Executor::State Executor::Impl::start_rows(std::int64_t rows, const RowFiller& fill) {
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

at::Tensor Executor::Impl::filled_input(std::size_t i,
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
  FirstFailure failure;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::int64_t row = 0; row < rows; ++row) {
    failure.guard([&] {
      fill(i, first + row, {data + static_cast<std::size_t>(row) * cols, cols});
    });
  }
  failure.rethrow();
  if (axis > 0) tensor = tensor.movedim(0, axis).contiguous();
  if (input.type != DataType::Float32) tensor = tensor.to(ops::scalar_type_of(input.type));
  return as_activation(tensor, id);
}

at::ScalarType Executor::Impl::input_type(ValueId id) const {
  const auto readers = graph.consumers(id);
  const bool convolved = std::all_of(readers.begin(), readers.end(), [&](graph::NodeId reader) {
    return graph.node(reader).is("Conv") || graph.node(reader).is("FusedConv");
  });
  return convolved ? activation_type() : at::kFloat;
}

void Executor::Impl::capture_value(ValueId id,
                                   std::span<const at::Tensor> parts,
                                   const Passes& passes,
                                   const CaptureHandler& capture) const {
  if (!is_wanted(id, capture)) return;
  capture(id, view_of(rows_by_sample(parts, graph.value(id), passes)));
}

bool Executor::Impl::is_wanted(ValueId id, const CaptureHandler& capture) const {
  return capture && id != graph::kNoValue && is_captured[index_of(id)];
}

std::vector<at::Tensor> Executor::Impl::take_inputs(std::vector<at::Tensor>& values,
                                                    const Step& step) {
  const auto& ids = graph.node(step.node).inputs;
  std::vector<at::Tensor> taken(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == graph::kNoValue) continue;
    taken[i] = graph.is_constant(ids[i]) ? constants[index_of(ids[i])] : values[index_of(ids[i])];
  }
  for (const ValueId dead : step.last_read) values[index_of(dead)] = at::Tensor();
  return taken;
}

std::unique_ptr<bool[]> Executor::Impl::overwritable(const Step& step,
                                                     const std::vector<at::Tensor>& inputs) {
  const auto& ids = graph.node(step.node).inputs;
  auto allowed = std::make_unique<bool[]>(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    allowed[i] = inputs[i].defined() && !graph.is_constant(ids[i]) && is_fresh[index_of(ids[i])] &&
                 inputs[i].use_count() == 1 && inputs[i].storage().use_count() == 1;
  }
  return allowed;
}

void Executor::Impl::run_step(State::Data& state, const CaptureHandler& capture) {
  const Step& step = plan.steps[state.next_step];
  const graph::Node& node = graph.node(step.node);
  std::vector<std::vector<at::Tensor>> made(node.outputs.size());
  for (std::vector<at::Tensor>& values : state.values) {
    std::vector<at::Tensor> outputs = run_pass(state.next_step, values);
    outputs.resize(made.size());  // the node may omit trailing outputs
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

std::vector<at::Tensor> Executor::Impl::run_pass(std::size_t index,
                                                 std::vector<at::Tensor>& values) {
  const Step& step = plan.steps[index];
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<at::Tensor> inputs = take_inputs(values, step);
  const auto allowed = overwritable(step, inputs);
  std::vector<at::Tensor> outputs = run_kernel(
      *kernels[index], graph.node(step.node), inputs, {pool, {allowed.get(), inputs.size()}});
  note_time(index, begin);
  return outputs;
}

std::vector<at::Tensor> Executor::Impl::run_kernel(Kernel& kernel,
                                                   const graph::Node& node,
                                                   const std::vector<at::Tensor>& inputs,
                                                   const KernelContext& context) const {
  const auto where = [&] { return fmt::format("{} node '{}'", node.op_type, node.name); };
  const auto fail = [&](std::string_view reason) {
    if (const auto failure = ops::allocation_failure(reason, where())) throw OutOfMemory(*failure);
    throw InternalError("runtime", fmt::format("{} failed: {}", where(), reason));
  };
  try {
    return kernel.run(inputs, context);
  } catch (const std::bad_alloc&) {
    throw out_of_memory(where());
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw out_of_memory(where());
    fail(error.what());
  } catch (const c10::Error& error) {
    fail(error.what_without_backtrace());
  } catch (const DataError& error) {
    throw DataError("samples", message_with_sources(graph, node, error));
  }
  return {};
}

void Executor::Impl::note_time(std::size_t step, std::chrono::steady_clock::time_point begin) {
  if (times.empty()) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  NodeTime& row = times[step];
  const bool first = row.calls++ == 0;
  row.seconds += elapsed.count();
  row.fastest_seconds = first ? elapsed.count() : std::min(row.fastest_seconds, elapsed.count());
}

void Executor::Impl::run_until(State& state, std::size_t end, const CaptureHandler& capture) {
  require_started(state);
  const at::NoGradGuard no_grad;
  const ThreadScope scope(threads);
  state.data_->shown.clear();
  while (state.data_->next_step < end) run_step(*state.data_, capture);
}

void Executor::Impl::require_started(const State& state) const {
  if (state.data_ != nullptr && !state.data_->values.empty() &&
      state.data_->values.front().size() == graph.values().size()) {
    return;
  }
  throw ConfigError(
      "runtime",
      "the state was already finished, or belongs to another network; create one with start()");
}

std::vector<at::Tensor> Executor::Impl::parts_of(const State::Data& state, ValueId id) const {
  std::vector<at::Tensor> parts;
  for (const auto& values : state.values) {
    parts.push_back(graph.is_constant(id) ? constants[index_of(id)] : values[index_of(id)]);
  }
  return parts;
}

std::vector<Tensor> Executor::Impl::collect(const State::Data& state) const {
  std::vector<Tensor> outputs;
  for (const ValueId id : graph.outputs()) {
    outputs.push_back(host_copy(joined(parts_of(state, id), state.passes)));
  }
  return outputs;
}

std::string Executor::Impl::name(ValueId id) const {
  const bool known = id >= 0 && index_of(id) < graph.values().size();
  return known ? graph.value(id).name : std::to_string(id);
}

void Executor::Impl::require_live(const State& state, ValueId id) const {
  require_started(state);
  const bool known = id >= 0 && index_of(id) < graph.values().size();
  if (known && state.data_->values.front()[index_of(id)].defined()) return;
  throw ConfigError("runtime",
                    fmt::format("value '{}' is not alive here: it is not computed yet, was read by "
                                "its last reader, or was fused away; advance to where it is alive",
                                name(id)));
}

std::size_t Executor::Impl::steps_until(ValueId id) const {
  const auto& inputs = graph.inputs();
  if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) return 0;
  for (std::size_t step = 0; step < plan.steps.size(); ++step) {
    const auto& made = graph.node(plan.steps[step].node).outputs;
    if (std::find(made.begin(), made.end(), id) != made.end()) return step + 1;
  }
  throw ConfigError("runtime",
                    fmt::format("no node produces value '{}' after fusion; list it in "
                                "ExecutorOptions::captured",
                                name(id)));
}

std::size_t Executor::Impl::reader_of(ValueId weight) const {
  const std::size_t reader = plan.first_reader(graph, weight);
  if (reader == plan.steps.size()) {
    throw ConfigError("runtime",
                      fmt::format("no node reads constant '{}'; name a layer's weight",
                                  graph.value(weight).name));
  }
  return reader;
}

}  // namespace ompq::runtime

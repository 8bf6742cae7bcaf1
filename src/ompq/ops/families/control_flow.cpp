#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/taken_branch.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"
#include "ompq/ops/sub_graphs.h"

/// If, Loop and Scan. Layers in their sub-networks stay float. Values that a sub-network captures
/// follow the operator's own operands.
namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

const graph::Graph& inside(const OpContext& context, std::string_view name) {
  const graph::Graph* found = context.node.sub_graph(name);
  if (found == nullptr) fail(context, fmt::format("it has no {}", name));
  return *found;
}

std::size_t captures(const OpContext& context) {
  return static_cast<std::size_t>(context.node.int_attribute(graph::kCapturesNote, 0));
}

/// Facts without elements, valid in every iteration.
InputFacts on_any_turn(const OutputFacts& facts) {
  InputFacts input;
  input.present = true;
  input.type = facts.type;
  input.shape = facts.shape;
  return input;
}

InputFacts on_any_turn(const InputFacts& facts) {
  return on_any_turn(OutputFacts{facts.type, facts.shape, std::nullopt});
}

/// What check_inside() found, for the shape rule that runs next on the same facts: without it, the
/// time would double with each level of nested sub-networks.
struct LastCheck {
  const graph::Node* node = nullptr;
  OutputList outputs;
};
thread_local LastCheck last_check;

template <auto Infer>
OutputList infer_once(const OpContext& context, Facts inputs) {
  if (std::exchange(last_check.node, nullptr) == &context.node)
    return std::move(last_check.outputs);
  return Infer(context, inputs);
}

UnsupportedReason check_inside(const OpContext& context, Facts inputs) {
  last_check.node = nullptr;
  const bool known = std::all_of(inputs.begin(), inputs.end(), [](const InputFacts& input) {
    return !input.present || input.known;
  });
  if (!known) return std::nullopt;
  try {
    OutputList outputs = find_operator("", context.node.op_type)->infer(context, inputs);
    last_check = {&context.node, std::move(outputs)};
  } catch (const UnsupportedOp& error) {
    return std::string("its sub-network cannot be run: ") + error.what();
  } catch (const ShapeError&) {
    return std::nullopt;  // the shape rule reports it with its location
  }
  return std::nullopt;
}

// --- If ------------------------------------------------------------------------------------------

UnsupportedReason check_if(const OpContext& context, Facts inputs) {
  for (const char* branch : {"then_branch", "else_branch"}) {
    if (context.node.sub_graph(branch) == nullptr) return fmt::format("it has no {}", branch);
  }
  return check_inside(context, inputs);
}

void require_same(const OpContext& context, const OutputList& yes, const OutputList& no) {
  if (yes.size() != no.size()) fail(context, "its branches have different numbers of outputs");
  for (std::size_t i = 0; i < yes.size(); ++i) {
    if (yes[i].type == no[i].type && yes[i].shape == no[i].shape) continue;
    fail(context,
         fmt::format("its branches have outputs {} {} and {} {}; if its condition is computed from "
                     "data, both must be equal",
                     name_of(yes[i].type),
                     graph::to_string(yes[i].shape),
                     name_of(no[i].type),
                     graph::to_string(no[i].shape)));
  }
}

/// The taken branch, if it is determined by constants, shapes or the samples.
std::optional<bool> decided(const OpContext& context, Facts inputs) {
  const auto condition = known_integers(fact(inputs, 0));
  if (condition && condition->size() == 1) return condition->front() != 0;
  if (!context.node.has_attribute(graph::kTakenNote)) return std::nullopt;
  return context.node.int_attribute(graph::kTakenNote, 0) != 0;
}

OutputList infer_if(const OpContext& context, Facts inputs) {
  const Facts captured = inputs.subspan(1);
  if (const auto taken = decided(context, inputs)) {
    return infer_sub_graph(inside(context, *taken ? "then_branch" : "else_branch"), captured);
  }
  OutputList yes = infer_sub_graph(inside(context, "then_branch"), captured);
  const OutputList no = infer_sub_graph(inside(context, "else_branch"), captured);
  require_same(context, yes, no);
  for (OutputFacts& facts : yes) facts.elements.reset();
  return yes;
}

Outputs run_if(const OpContext& context, Inputs inputs) {
  const bool condition = inputs[0].item<bool>();
  return run_sub_graph(inside(context, condition ? "then_branch" : "else_branch"),
                       inputs.subspan(1));
}

// --- Loop ----------------------------------------------------------------------------------------

/// A Loop's operands: the trip count, the condition, and loop-carried values.
constexpr std::size_t kCarriedFrom = 2;

std::size_t carried_by(const OpContext& context, std::size_t inputs) {
  return inputs - kCarriedFrom - captures(context);
}

UnsupportedReason check_loop(const OpContext& context, Facts inputs) {
  const graph::Graph* body = context.node.sub_graph("body");
  if (body == nullptr) return "it has no body";
  if (inputs.size() < kCarriedFrom + captures(context) ||
      body->outputs().size() < 1 + carried_by(context, inputs.size()) ||
      body->inputs().size() != inputs.size()) {
    return "its body's inputs and outputs do not match the loop-carried values";
  }
  return check_inside(context, inputs);
}

/// The iteration number, the condition (true in every iteration), loop-carried values, captured
/// values.
std::vector<InputFacts> turn_facts(Facts carried, Facts captured) {
  std::vector<InputFacts> facts{on_any_turn(OutputFacts{DataType::Int64, {}, std::nullopt}),
                                on_any_turn(OutputFacts{DataType::Bool, {}, std::nullopt})};
  facts.back().elements = std::vector<Dim>{Dim::fixed(1)};
  facts.insert(facts.end(), carried.begin(), carried.end());
  facts.insert(facts.end(), captured.begin(), captured.end());
  return facts;
}

bool is_true(const OutputFacts& facts) {
  return facts.elements && facts.elements->size() == 1 && facts.elements->front().size != 0;
}

/// The number of iterations, if the loop cannot end early; nullopt if it depends on the data.
std::optional<std::int64_t> turns_of(Facts inputs, const OutputFacts& condition) {
  const auto trips = known_integers(fact(inputs, 0));
  const auto first = known_integers(fact(inputs, 1));
  if (first && first->size() == 1 && first->front() == 0) return 0;
  const bool starts = !has(inputs, 1) || first;
  if (!trips || trips->size() != 1 || !starts || !is_true(condition)) return std::nullopt;
  return std::max<std::int64_t>(trips->front(), 0);
}

/// The results of one iteration for the current loop-carried values. @throws ShapeError if a shape
/// changes.
OutputList infer_turn(const OpContext& context, Facts carried, Facts captured) {
  OutputList made = infer_sub_graph(inside(context, "body"), turn_facts(carried, captured));
  for (std::size_t i = 0; i < carried.size(); ++i) {
    const OutputFacts& next = made.at(1 + i);
    if (next.type == carried[i].type && next.shape == carried[i].shape) continue;
    fail(context,
         fmt::format("an iteration changes a loop-carried value from {1} to {0}; only loops with "
                     "fixed shapes are supported",
                     graph::to_string(next.shape),
                     graph::to_string(carried[i].shape)));
  }
  return made;
}

OutputList infer_loop(const OpContext& context, Facts inputs) {
  const std::size_t count = carried_by(context, inputs.size());
  std::vector<InputFacts> carried;
  for (const InputFacts& input : inputs.subspan(kCarriedFrom, count)) {
    carried.push_back(on_any_turn(input));
  }
  OutputList made = infer_turn(context, carried, inputs.subspan(kCarriedFrom + count));
  const auto turns = turns_of(inputs, made.front());
  OutputList outputs;
  for (std::size_t i = 1; i < made.size(); ++i) {
    OutputFacts facts = output(made[i].type, made[i].shape);
    if (i > count) {
      if (!turns) {
        fail(context,
             "it collects a value per iteration, and the number of iterations depends on the data");
      }
      facts.shape.insert(facts.shape.begin(), Dim::fixed(*turns));
    }
    outputs.push_back(std::move(facts));
  }
  return outputs;
}

Outputs run_loop(const OpContext& context, Inputs inputs) {
  const graph::Graph& body = inside(context, "body");
  const std::size_t count = carried_by(context, inputs.size());
  const Inputs first = inputs.subspan(kCarriedFrom, count);
  const Inputs captured = inputs.subspan(kCarriedFrom + count);
  const std::int64_t trips = inputs[0].defined() ? inputs[0].item<std::int64_t>() : INT64_MAX;
  at::Tensor condition = inputs[1].defined() ? inputs[1].to(at::kBool) : at::ones({}, at::kBool);
  Outputs carried(first.begin(), first.end());
  std::vector<Outputs> collected(body.outputs().size() - 1 - count);
  for (std::int64_t turn = 0; turn < trips && condition.item<bool>(); ++turn) {
    Outputs operands{at::scalar_tensor(turn, at::kLong), condition.reshape({})};
    operands.insert(operands.end(), carried.begin(), carried.end());
    operands.insert(operands.end(), captured.begin(), captured.end());
    Outputs made = run_sub_graph(body, operands);
    condition = made[0].to(at::kBool);
    for (std::size_t i = 0; i < count; ++i) carried[i] = made[1 + i];
    for (std::size_t i = 0; i < collected.size(); ++i) {
      collected[i].push_back(made[1 + count + i]);
    }
  }
  for (const Outputs& rows : collected) {
    carried.push_back(rows.empty() ? at::zeros({0}) : at::stack(rows, 0));
  }
  return carried;
}

// --- Scan (opset 9 and later)
// ----------------------------------------------------------------------

/// The axes and directions of a Scan's inputs and outputs.
struct ScanPlan {
  std::size_t states;
  std::size_t sequences;
  Extents input_axes;
  Extents input_directions;
  Extents output_axes;
  Extents output_directions;
};

ScanPlan scan_plan(const OpContext& context, std::size_t inputs) {
  const auto sequences = static_cast<std::size_t>(context.node.int_attribute("num_scan_inputs", 0));
  const std::size_t states = inputs - captures(context) - sequences;
  const std::size_t made = inside(context, "body").outputs().size() - states;
  const auto list = [&](const char* name, std::size_t count) {
    return context.node.ints_attribute(name, Extents(count, 0));
  };
  return {states,
          sequences,
          list("scan_input_axes", sequences),
          list("scan_input_directions", sequences),
          list("scan_output_axes", made),
          list("scan_output_directions", made)};
}

UnsupportedReason check_scan(const OpContext& context, Facts inputs) {
  const graph::Graph* body = context.node.sub_graph("body");
  if (body == nullptr) return "it has no body";
  const std::int64_t sequences = context.node.int_attribute("num_scan_inputs", 0);
  const std::size_t own = inputs.size() - std::min(inputs.size(), captures(context));
  if (sequences < 1 || static_cast<std::size_t>(sequences) > own ||
      body->inputs().size() != inputs.size() ||
      body->outputs().size() < own - static_cast<std::size_t>(sequences)) {
    return "its body's inputs and outputs do not match the scan's states and sequences";
  }
  const ScanPlan plan = scan_plan(context, inputs.size());
  if (plan.input_axes.size() != plan.sequences || plan.input_directions.size() != plan.sequences ||
      plan.output_axes.size() != body->outputs().size() - plan.states ||
      plan.output_directions.size() != plan.output_axes.size()) {
    return "its axes or directions do not fit its sequences";
  }
  return check_inside(context, inputs);
}

OutputList infer_scan(const OpContext& context, Facts inputs) {
  const ScanPlan plan = scan_plan(context, inputs.size());
  std::vector<InputFacts> facts;
  std::optional<Dim> length;
  for (std::size_t i = 0; i < plan.states + plan.sequences; ++i) {
    facts.push_back(on_any_turn(inputs[i]));
    if (i < plan.states) continue;
    Shape& shape = facts.back().shape;
    const auto axis = normal_axis(context, plan.input_axes[i - plan.states], rank_of(facts.back()));
    const Dim extent = shape[static_cast<std::size_t>(axis)];
    if (length && !same(*length, extent)) fail(context, "its sequences differ in length");
    length = extent;
    shape.erase(shape.begin() + axis);
  }
  const Facts captured = inputs.subspan(plan.states + plan.sequences);
  facts.insert(facts.end(), captured.begin(), captured.end());
  OutputList made = infer_sub_graph(inside(context, "body"), facts);
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i].elements.reset();
    if (i < plan.states) {
      if (made[i].shape != facts[i].shape) fail(context, "a step changes the shape of a state");
      continue;
    }
    Shape& shape = made[i].shape;
    const auto axis = normal_axis(
        context, plan.output_axes[i - plan.states], static_cast<std::int64_t>(shape.size()) + 1);
    shape.insert(shape.begin() + axis, length.value());
  }
  return made;
}

Outputs run_scan(const OpContext& context, Inputs inputs) {
  const ScanPlan plan = scan_plan(context, inputs.size());
  const graph::Graph& body = inside(context, "body");
  const Inputs sequences = inputs.subspan(plan.states, plan.sequences);
  const Inputs captured = inputs.subspan(plan.states + plan.sequences);
  const std::int64_t length =
      sequences[0].size(positive_axis(plan.input_axes[0], sequences[0].dim()));
  Outputs states(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(plan.states));
  std::vector<Outputs> collected(plan.output_axes.size());
  for (std::int64_t step = 0; step < length; ++step) {
    Outputs operands = states;
    for (std::size_t i = 0; i < plan.sequences; ++i) {
      const std::int64_t axis = positive_axis(plan.input_axes[i], sequences[i].dim());
      const std::int64_t at = plan.input_directions[i] != 0 ? length - 1 - step : step;
      operands.push_back(at::select(sequences[i], axis, at));
    }
    operands.insert(operands.end(), captured.begin(), captured.end());
    Outputs made = run_sub_graph(body, operands);
    for (std::size_t i = 0; i < plan.states; ++i) states[i] = made[i];
    for (std::size_t i = 0; i < collected.size(); ++i) {
      collected[i].push_back(made[plan.states + i]);
    }
  }
  for (std::size_t i = 0; i < collected.size(); ++i) {
    if (plan.output_directions[i] != 0) std::reverse(collected[i].begin(), collected[i].end());
    const std::int64_t axis = plan.output_axes[i];
    states.push_back(collected[i].empty() ? at::zeros({0}) : at::stack(collected[i], axis));
  }
  return states;
}

constexpr std::size_t kAnyNumber = SIZE_MAX;

}  // namespace

std::span<const Operator> control_flow_operators() {
  static constexpr Operator kRows[] = {
      {"If", "", 7, 1, kAnyNumber, check_if, infer_once<infer_if>, in_float32<run_if>},
      {"Loop", "", 7, 0, kAnyNumber, check_loop, infer_once<infer_loop>, in_float32<run_loop>},
      {"Scan", "", 9, 1, kAnyNumber, check_scan, infer_once<infer_scan>, in_float32<run_scan>},
  };
  return kRows;
}

}  // namespace ompq::ops

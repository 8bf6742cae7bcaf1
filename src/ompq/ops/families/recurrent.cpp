#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

/// LSTM, GRU and RNN, step by step, in one or both directions.
namespace ompq::ops {
namespace {

enum RecurrentInput : std::size_t {
  kSequence,
  kInputWeights,
  kStateWeights,
  kBiases,
  kLengths,
  kFirstState,
  kFirstCell,
  kPeepholes,
};

using ElementFunction = at::Tensor (*)(const at::Tensor&);
struct GateFunction {
  std::string_view name;
  ElementFunction apply;
};
constexpr std::array<GateFunction, 8> kGateFunctions{
    {{"Sigmoid", [](const at::Tensor& x) { return at::sigmoid(x); }},
     {"Tanh", [](const at::Tensor& x) { return at::tanh(x); }},
     {"Relu", [](const at::Tensor& x) { return at::relu(x); }},
     {"LeakyRelu", [](const at::Tensor& x) { return at::leaky_relu(x, 0.01); }},
     {"Elu", [](const at::Tensor& x) { return at::elu(x); }},
     {"HardSigmoid", [](const at::Tensor& x) { return at::clamp(x * 0.2 + 0.5, 0, 1); }},
     {"Softsign", [](const at::Tensor& x) { return x / (1 + at::abs(x)); }},
     {"Softplus", [](const at::Tensor& x) { return at::softplus(x); }}}};

ElementFunction gate_function(std::string_view name) {
  for (const GateFunction& row : kGateFunctions) {
    if (row.name == name) return row.apply;
  }
  return nullptr;
}

std::vector<std::string> strings_of(const graph::Node& node, const std::string& name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return {};
  const auto* strings = std::get_if<std::vector<std::string>>(&found->second);
  return strings != nullptr ? *strings : std::vector<std::string>{};
}

std::string direction_of(const OpContext& context) {
  return context.node.string_attribute("direction", "forward");
}

std::int64_t directions_of(const OpContext& context) {
  return direction_of(context) == "bidirectional" ? 2 : 1;
}

bool batch_first(const OpContext& context) { return context.node.int_attribute("layout", 0) != 0; }

/// The activation functions of one direction's gates, from the attribute or by default.
std::vector<std::string> functions_of(const OpContext& context, std::int64_t direction) {
  const graph::Node& node = context.node;
  std::vector<std::string> defaults{"Sigmoid", "Tanh", "Tanh"};
  if (node.is("GRU")) defaults = {"Sigmoid", "Tanh"};
  if (node.is("RNN")) defaults = {"Tanh"};
  const std::vector<std::string> named = strings_of(node, "activations");
  const std::size_t each = defaults.size();
  const std::size_t first = static_cast<std::size_t>(direction) * each;
  if (named.size() < first + each) return defaults;
  return {named.begin() + static_cast<std::ptrdiff_t>(first),
          named.begin() + static_cast<std::ptrdiff_t>(first + each)};
}

UnsupportedReason check_recurrent(const OpContext& context, Facts inputs) {
  const graph::Node& node = context.node;
  const std::string direction = direction_of(context);
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    return fmt::format("direction '{}' is unknown", direction);
  }
  if (node.int_attribute("input_forget", 0) != 0) return "input_forget is not supported";
  for (const char* name : {"activation_alpha", "activation_beta"}) {
    if (node.has_attribute(name)) return fmt::format("{} is not supported", name);
  }
  for (std::int64_t d = 0; d < directions_of(context); ++d) {
    for (const std::string& name : functions_of(context, d)) {
      if (gate_function(name) == nullptr) return fmt::format("activation '{}' is unknown", name);
    }
  }
  return needs_float(context, inputs);
}

/// Number of gates in W and R.
std::int64_t gates_of(const OpContext& context) {
  return context.node.is("LSTM") ? 4 : context.node.is("GRU") ? 3 : 1;
}

void require_weights(const OpContext& context, Facts inputs, Dim width, std::int64_t hidden) {
  const std::int64_t rows = gates_of(context) * hidden;
  const Dim directions = Dim::fixed(directions_of(context));
  const Shape input{directions, Dim::fixed(rows), width};
  const Shape state{directions, Dim::fixed(rows), Dim::fixed(hidden)};
  if (inputs[kInputWeights].shape == input && inputs[kStateWeights].shape == state) return;
  fail(context,
       fmt::format("weights of shapes {} and {} do not fit {} and {}",
                   graph::to_string(inputs[kInputWeights].shape),
                   graph::to_string(inputs[kStateWeights].shape),
                   graph::to_string(input),
                   graph::to_string(state)));
}

OutputList infer_recurrent(const OpContext& context, Facts inputs) {
  const Shape& x = inputs[kSequence].shape;
  const Shape& weights = inputs[kStateWeights].shape;
  if (x.size() != 3 || weights.size() != 3 || !weights[2].is_fixed()) {
    fail(context,
         fmt::format("its input has shape {}, it must have three axes", graph::to_string(x)));
  }
  require_weights(context, inputs, x[2], weights[2].size);
  const Dim directions = Dim::fixed(directions_of(context));
  const Dim batch = x[batch_first(context) ? 0 : 1];
  const Dim steps = x[batch_first(context) ? 1 : 0];
  const Dim hidden = weights[2];
  Shape all{steps, directions, batch, hidden};
  Shape last{directions, batch, hidden};
  if (batch_first(context)) {
    all = {batch, steps, directions, hidden};
    last = {batch, directions, hidden};
  }
  const DataType type = inputs[kSequence].type;
  OutputList outputs{output(type, all), output(type, last)};
  if (context.node.is("LSTM")) outputs.push_back(output(type, last));
  return outputs;
}

/// One direction's parameters; biases and peepholes may be undefined.
struct Cell {
  at::Tensor input_weights;
  at::Tensor state_weights;
  at::Tensor input_bias;
  at::Tensor state_bias;
  at::Tensor peepholes;
  std::vector<ElementFunction> functions;
  double clip = 0.0;  ///< 0: none
  bool reset_after = false;

  [[nodiscard]] at::Tensor gate(std::size_t function, const at::Tensor& sum) const {
    return functions[function](clip > 0.0 ? at::clamp(sum, -clip, clip) : sum);
  }
};

struct CellState {
  at::Tensor hidden;
  at::Tensor cell;
};

CellState lstm_step(const Cell& cell, const at::Tensor& projected, const CellState& before) {
  const at::Tensor sum = projected + at::linear(before.hidden, cell.state_weights, cell.state_bias);
  const std::vector<at::Tensor> gates = sum.chunk(4, -1);  // input, output, forget, cell
  std::vector<at::Tensor> peeps;
  if (cell.peepholes.defined()) peeps = cell.peepholes.chunk(3, -1);  // input, output, forget
  const auto peeped = [&](const at::Tensor& gate, std::size_t peep, const at::Tensor& memory) {
    return peeps.empty() ? gate : gate + peeps[peep] * memory;
  };
  const at::Tensor enter = cell.gate(0, peeped(gates[0], 0, before.cell));
  const at::Tensor keep = cell.gate(0, peeped(gates[2], 2, before.cell));
  const at::Tensor memory = keep * before.cell + enter * cell.gate(1, gates[3]);
  const at::Tensor leave = cell.gate(0, peeped(gates[1], 1, memory));
  return {leave * cell.functions[2](memory), memory};
}

CellState gru_step(const Cell& cell, const at::Tensor& projected, const CellState& before) {
  const std::vector<at::Tensor> x = projected.chunk(3, -1);  // update, reset, hidden
  const std::vector<at::Tensor> weights = cell.state_weights.chunk(3, 0);
  std::vector<at::Tensor> biases(3);
  if (cell.state_bias.defined()) biases = cell.state_bias.chunk(3, -1);
  const auto product = [&](const at::Tensor& state, std::size_t gate) {
    return at::linear(state, weights[gate], biases[gate]);
  };
  const at::Tensor update = cell.gate(0, x[0] + product(before.hidden, 0));
  const at::Tensor reset = cell.gate(0, x[1] + product(before.hidden, 1));
  const at::Tensor recalled =
      cell.reset_after ? reset * product(before.hidden, 2) : product(reset * before.hidden, 2);
  const at::Tensor fresh = cell.gate(1, x[2] + recalled);
  return {(1 - update) * fresh + update * before.hidden, {}};
}

CellState rnn_step(const Cell& cell, const at::Tensor& projected, const CellState& before) {
  return {cell.gate(0, projected + at::linear(before.hidden, cell.state_weights, cell.state_bias)),
          {}};
}

using StepFunction = CellState (*)(const Cell&, const at::Tensor&, const CellState&);
StepFunction step_of(const OpContext& context) {
  if (context.node.is("LSTM")) return lstm_step;
  return context.node.is("GRU") ? gru_step : rnn_step;
}

Cell cell_of(const OpContext& context, Inputs inputs, std::int64_t direction) {
  const auto part = [&](std::size_t place) {
    const at::Tensor whole = input(inputs, place);
    return whole.defined() ? whole.select(0, direction).to(inputs[0].scalar_type()) : whole;
  };
  Cell cell{.input_weights = part(kInputWeights),
            .state_weights = part(kStateWeights),
            .input_bias = {},
            .state_bias = {},
            .peepholes = part(kPeepholes),
            .functions = {},
            .clip = context.node.float_attribute("clip", 0.0F),
            .reset_after = context.node.int_attribute("linear_before_reset", 0) != 0};
  if (const at::Tensor biases = part(kBiases); biases.defined()) {
    cell.input_bias = biases.narrow(0, 0, biases.size(0) / 2);
    cell.state_bias = biases.narrow(0, biases.size(0) / 2, biases.size(0) / 2);
  }
  for (const std::string& name : functions_of(context, direction)) {
    cell.functions.push_back(gate_function(name));
  }
  return cell;
}

struct DirectionResult {
  at::Tensor steps;  ///< [steps, batch, hidden]
  CellState last;
};

/// @param x [steps, batch, width].
DirectionResult walk(const OpContext& context,
                     const Cell& cell,
                     const at::Tensor& x,
                     const at::Tensor& lengths,
                     CellState state,
                     bool backwards) {
  const StepFunction step = step_of(context);
  const at::Tensor projected = at::linear(x, cell.input_weights, cell.input_bias);
  std::vector<at::Tensor> made(static_cast<std::size_t>(x.size(0)));
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const std::int64_t t = backwards ? x.size(0) - 1 - i : i;
    CellState next = step(cell, projected.select(0, t), state);
    at::Tensor shown = next.hidden;
    if (lengths.defined()) {  // after its end a sequence outputs zeros and keeps its state
      const at::Tensor runs = (lengths > t).unsqueeze(-1);
      shown = at::where(runs, next.hidden, at::zeros_like(next.hidden));
      next.hidden = at::where(runs, next.hidden, state.hidden);
      if (next.cell.defined()) next.cell = at::where(runs, next.cell, state.cell);
    }
    state = next;
    made[static_cast<std::size_t>(t)] = shown;
  }
  return {
      made.empty() ? x.new_zeros({0, x.size(1), cell.state_weights.size(-1)}) : at::stack(made, 0),
      state};
}

/// The initial state of one direction, [batch, hidden]; zeros if it is missing.
at::Tensor first_state(const OpContext& context,
                       const at::Tensor& given,
                       const at::Tensor& x,
                       std::int64_t direction,
                       std::int64_t hidden) {
  if (!given.defined()) return at::zeros({x.size(1), hidden}, x.options());
  return given.select(batch_first(context) ? 1 : 0, direction).to(x.scalar_type());
}

Outputs run_recurrent(const OpContext& context, Inputs inputs) {
  const bool lstm = context.node.is("LSTM");
  const at::Tensor x = batch_first(context) ? inputs[kSequence].transpose(0, 1) : inputs[kSequence];
  const std::int64_t hidden = inputs[kStateWeights].size(2);
  std::vector<at::Tensor> steps;
  std::vector<at::Tensor> states;
  std::vector<at::Tensor> cells;
  for (std::int64_t d = 0; d < directions_of(context); ++d) {
    const Cell cell = cell_of(context, inputs, d);
    CellState first{first_state(context, input(inputs, kFirstState), x, d, hidden), {}};
    if (lstm) first.cell = first_state(context, input(inputs, kFirstCell), x, d, hidden);
    const bool backwards = d == 1 || direction_of(context) == "reverse";
    DirectionResult made = walk(context, cell, x, input(inputs, kLengths), first, backwards);
    steps.push_back(made.steps);
    states.push_back(made.last.hidden);
    cells.push_back(made.last.cell);
  }
  const std::int64_t axis = batch_first(context) ? 1 : 0;
  at::Tensor all = at::stack(steps, 1);  // [steps, directions, batch, hidden]
  if (batch_first(context)) all = all.permute({2, 0, 1, 3});
  Outputs outputs{all, at::stack(states, axis)};
  if (lstm) outputs.push_back(at::stack(cells, axis));
  return outputs;
}

}  // namespace

std::span<const Operator> recurrent_operators() {
  static constexpr Operator kRows[] = {
      {"LSTM", "", 7, 3, 3, check_recurrent, infer_recurrent, in_float32<run_recurrent>},
      {"GRU", "", 7, 3, 2, check_recurrent, infer_recurrent, in_float32<run_recurrent>},
      {"RNN", "", 7, 3, 2, check_recurrent, infer_recurrent, in_float32<run_recurrent>},
  };
  return kRows;
}

}  // namespace ompq::ops

#include "ompq/onnx_io/file_types.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

/// With fewer elements, the Cast takes more bytes than it saves.
constexpr std::int64_t kLeastHalves = 32;

void add_cast(Graph& graph, ValueId from, ValueId to, DataType type) {
  graph.add_node({.name = {},
                  .op_type = "Cast",
                  .inputs = {from},
                  .outputs = {to},
                  .attributes = {{"to", std::int64_t{data_type_to_onnx(type)}}}});
}

void restore_input(Graph& graph, ValueId input, DataType declared) {
  const DataType own = graph.value(input).type;
  const ValueId inside =
      graph.add_value({.name = {}, .type = own, .shape = graph.value(input).shape});
  graph.replace_uses(input, inside);
  add_cast(graph, input, inside, own);
  graph.mutable_value(input).type = declared;
}

void restore_output(Graph& graph, ValueId output, DataType declared) {
  if (graph.is_constant(output)) {
    const Tensor own = *graph.value(output).constant;
    if (!graph.consumers(output).empty()) {
      graph.replace_uses(output, graph.add_constant({}, own));
    }
    graph.mutable_value(output).constant = own.converted_to(declared);
  } else {
    const NodeId maker = graph.producer(output);
    if (maker == graph::kNoNode) return;  // a graph input
    const graph::Value& value = graph.value(output);
    const ValueId inside = graph.add_value({.name = {}, .type = value.type, .shape = value.shape});
    graph.replace_uses(output, inside);
    std::vector<ValueId>& made = graph.mutable_node(maker).outputs;
    std::replace(made.begin(), made.end(), output, inside);
    add_cast(graph, inside, output, declared);
  }
  graph.mutable_value(output).type = declared;
}

bool is_quantizer_parameter(const Graph& graph, ValueId id) {
  const auto readers = graph.consumers(id);
  return std::ranges::any_of(readers, [&](NodeId reader) {
    return graph.node(reader).is("QuantizeLinear") || graph.node(reader).is("DequantizeLinear");
  });
}

/// The 16-bit float type of most of the file's constants.
std::optional<DataType> usual_half(const Graph& graph) {
  std::ptrdiff_t float16 = 0;
  std::ptrdiff_t bfloat16 = 0;
  for (const graph::Value& value : graph.values()) {
    float16 += value.stored == DataType::Float16 ? 1 : 0;
    bfloat16 += value.stored == DataType::BFloat16 ? 1 : 0;
  }
  if (float16 + bfloat16 == 0) return std::nullopt;
  return float16 >= bfloat16 ? DataType::Float16 : DataType::BFloat16;
}

/// The constant in 16-bit floats; nullopt if that would change its values beyond `narrowing`.
std::optional<Tensor> narrowed(const graph::Value& value, DataType type, Narrowing narrowing) {
  const bool may_round = value.stored && narrowing == Narrowing::Rounded;
  // Rounding methods change biases later, and the file's size must be known before they run.
  if (!may_round && value.constant->rank() < 2) return std::nullopt;
  Tensor halves = value.constant->converted_to(type);
  const Tensor back = halves.converted_to(DataType::Float32);
  if (!may_round) {
    return back.equals(*value.constant) ? std::optional(std::move(halves)) : std::nullopt;
  }
  const auto numbers = back.data<float>();
  const bool finite = std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
  return finite ? std::optional(std::move(halves)) : std::nullopt;
}

}  // namespace

void restore_interface_types(Graph& graph) {
  const std::vector<ValueId> inputs = graph.inputs();
  const std::vector<ValueId> outputs = graph.outputs();
  const auto each = [&](const std::vector<ValueId>& ids,
                        const std::vector<graph::Declaration>& declarations,
                        void (*restore)(Graph&, ValueId, DataType)) {
    for (const ValueId id : ids) {
      const auto* declared = graph::find_declaration(declarations, graph.value(id).name);
      if (declared == nullptr || declared->type == graph.value(id).type) continue;
      restore(graph, id, declared->type);
    }
  };
  const std::size_t before = graph.nodes().size();
  each(outputs, graph.interface.outputs, restore_output);
  each(inputs, graph.interface.inputs, restore_input);
  if (graph.nodes().size() != before) graph.sort();
}

void store_halves(Graph& graph, const std::set<std::string>& except, Narrowing narrowing) {
  const auto usual = usual_half(graph);
  if (!usual) return;
  const auto count = static_cast<ValueId>(graph.values().size());
  for (ValueId id = 0; id < count; ++id) {
    const graph::Value& value = graph.value(id);
    const bool fits = value.constant && value.constant->type() == DataType::Float32 &&
                      value.constant->elements() >= kLeastHalves && !except.contains(value.name) &&
                      !graph.is_output(id) && !graph.consumers(id).empty() &&
                      !is_quantizer_parameter(graph, id);
    if (!fits) continue;
    auto halves = narrowed(value, value.stored.value_or(*usual), narrowing);
    if (!halves) continue;
    graph.mutable_value(id).constant.reset();
    const ValueId stored = graph.add_constant({}, std::move(*halves));
    add_cast(graph, stored, id, DataType::Float32);
  }
  graph.sort();
}

}  // namespace ompq::onnx_io

#include "ompq/ops/inference.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/fold.h"
#include "ompq/ops/sub_graphs.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

/// Results up to this size are computed at once; larger ones only if a non-constant node reads
/// them, so that intermediate results of unpacking a weight are not kept.
constexpr std::int64_t kEagerBytes = std::int64_t{1} << 20;
/// Results up to this size can be extents, positions and conditions, which shape rules read.
constexpr std::int64_t kKnownBytes = kMaxKnownElements * 8;
/// Results of operators that only repeat their input are computed at run time if they are larger
/// than this.
constexpr std::int64_t kRepeatedBytes = std::int64_t{64} << 20;
constexpr std::array<std::string_view, 4> kRepeaters{"Expand", "Tile", "ConstantOfShape", "Range"};

/// No machine holds an activation with more elements for one sample. It leaves room for a product
/// with the number of samples and the bytes of an element.
constexpr std::int64_t kMostElements = std::int64_t{1} << 40;

bool is_too_large(const graph::Shape& shape) {
  std::int64_t count = 1;
  for (const Dim& extent : shape) {
    if (extent.size == 0) return false;
    if (count > kMostElements / extent.size) count = kMostElements + 1;
    if (count <= kMostElements) count *= extent.size;
  }
  return count > kMostElements;
}

std::string too_large(const graph::Shape& shape) {
  return fmt::format(
      "has the shape {}, more than {} elements for one sample; is the model damaged?",
      graph::to_string(shape),
      kMostElements);
}

bool is_kept(const Node& node) {
  return node.has_attribute(graph::kTurnedTableNote) ||
         node.has_attribute(graph::kOperandCodesNote);
}

}  // namespace

void Inference::check_inputs() const {
  for (const ValueId input : graph_.inputs()) {
    const Value& value = graph_.value(input);
    if (value.shape && is_too_large(*value.shape)) {
      throw ShapeError("ops", fmt::format("input '{}' {}", value.name, too_large(*value.shape)));
    }
  }
}

void Inference::learn_constant(ValueId id) {
  Value& value = graph_.mutable_value(id);
  value.type = value.constant->type();
  value.shape = graph::fixed_shape(value.constant->shape());
  Knowledge& knowledge = at(id);
  knowledge.known = true;
  knowledge.constant = true;
  if (!is_float(value.type) && value.constant->elements() <= kMaxKnownElements) {
    knowledge.elements.emplace();
    for (const std::int64_t number : value.constant->to_int64s()) {
      knowledge.elements->push_back(Dim::fixed(number));
    }
  }
}

void Inference::learn_output(ValueId id, const OutputFacts& facts, bool constant) {
  Value& value = graph_.mutable_value(id);
  value.type = facts.type;
  value.shape = facts.shape;
  Knowledge& knowledge = at(id);
  knowledge.known = true;
  knowledge.constant = constant;
  knowledge.elements = facts.elements;
  const auto extents = graph::fixed_extents(facts.shape);
  InputFacts as_input;
  as_input.present = true;
  as_input.elements = facts.elements;
  const auto numbers = known_integers(as_input);
  if (facts.elements) {
    budget_.require(graph_.node(graph_.producer(id)),
                    static_cast<std::int64_t>(facts.elements->size() * 2 * sizeof(Dim)));
  }
  if (extents && numbers && !is_float(facts.type)) {
    value.constant = Tensor::from<std::int64_t>(*extents, *numbers).converted_to(facts.type);
    knowledge.constant = true;
  }
}

std::vector<InputFacts> Inference::facts_for(const Node& node) {
  std::vector<InputFacts> facts(node.inputs.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const ValueId id = node.inputs[i];
    if (id == kNoValue) continue;
    const Value& value = graph_.value(id);
    facts[i].present = true;
    facts[i].known = at(id).known && value.shape.has_value();
    facts[i].type = value.type;
    if (facts[i].known) facts[i].shape = *value.shape;
    if (value.constant) facts[i].constant = &*value.constant;
    facts[i].elements = at(id).elements;
  }
  return facts;
}

UnsupportedReason Inference::unsupported_reason(NodeId id, const Operator* op, Facts facts) const {
  const Node& node = graph_.node(id);
  if (op == nullptr) return std::string(reason_without_row(node.domain, node.op_type));
  if (node.domain.empty() && graph_.opset < op->since_opset) {
    return fmt::format(
        "is supported from opset {} on, but the file has {}", op->since_opset, graph_.opset);
  }
  for (std::size_t i = 0; i < op->min_inputs; ++i) {
    if (!has(facts, i)) return fmt::format("its input {} is missing", i);
  }
  for (std::size_t i = op->max_outputs; i < node.outputs.size(); ++i) {
    const ValueId output = node.outputs[i];
    if (output != kNoValue && (graph_.is_output(output) || !graph_.consumers(output).empty())) {
      return fmt::format("its output {} is not supported", i);
    }
  }
  return op->check({node, graph_.opset}, facts);
}

bool Inference::inputs_are_constant(const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return input == kNoValue || at(input).constant;
  });
}

void Inference::infer_outputs(NodeId id, const Operator& op, Facts facts) {
  const Node& node = graph_.node(id);
  const bool constant = inputs_are_constant(node);
  const OutputList outputs = op.infer({node, graph_.opset}, facts);
  const std::size_t count = std::min(outputs.size(), node.outputs.size());
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId output = node.outputs[i];
    if (output == kNoValue) continue;
    if (!constant && is_too_large(outputs[i].shape)) {
      fail({node, graph_.opset}, "its output " + too_large(outputs[i].shape));
    }
    learn_output(output, outputs[i], constant);
  }
  const bool ready = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return input == kNoValue || graph_.is_constant(input);
  });
  if (!constant || !ready || is_kept(node)) return;
  std::vector<ValueId> small;
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId output = node.outputs[i];
    if (output == kNoValue || graph_.is_constant(output)) continue;
    if (is_eager(output)) small.push_back(output);
  }
  fold_values(small);
  for (const ValueId folded : small) learn_constant(folded);
}

void Inference::visit(NodeId id) {
  const Node& node = graph_.node(id);
  const Operator* op = find_operator(node.domain, node.op_type);
  const std::vector<InputFacts> facts = facts_for(node);
  if (const UnsupportedReason complaint = unsupported_reason(id, op, facts)) {
    if (op != nullptr ? graph_.opset >= op->since_opset
                      : depends_on_data(node.domain, node.op_type)) {
      data_dependent_.insert(node.name);
    }
    unsupported_.push_back(fmt::format("{} node '{}': {}", node.op_type, node.name, *complaint));
    return;
  }
  const bool known = std::all_of(facts.begin(), facts.end(), [](const InputFacts& input) {
    return !input.present || input.known;
  });
  if (!known) return;
  try {
    infer_outputs(id, *op, facts);
  } catch (const ShapeError& error) {
    // Unsupported operators are reported first; see raise().
    if (!misfit_) misfit_ = error;
  } catch (const std::logic_error& error) {
    throw InternalError(
        "ops",
        fmt::format("shape rule of {} node '{}': {}", node.op_type, node.name, error.what()));
  }
}

std::map<std::string, bool> Inference::conditions() {
  std::map<std::string, bool> known;
  for (const Node& node : graph_.nodes()) {
    if (!node.domain.empty() || !node.is("If") || node.input(0) == kNoValue) continue;
    const auto& condition = graph_.value(node.input(0)).constant;
    if (condition && condition->elements() == 1) {
      known[node.name] = condition->to_int64s().front() != 0;
    }
  }
  return known;
}

void Inference::raise() const {
  if (!unsupported_.empty()) {
    std::vector<std::string> lines{
        fmt::format("{} of {} nodes cannot be run:", unsupported_.size(), graph_.nodes().size())};
    for (const std::string& node : unsupported_) lines.push_back("  " + node);
    lines.emplace_back("export the network without them, or cut it before them");
    throw UnsupportedOp("ops", lines);
  }
  if (misfit_) throw ShapeError(*misfit_);
}

std::int64_t Inference::bytes_of_value(ValueId id) const {
  const Value& value = graph_.value(id);
  return value.shape ? bytes_of(value.type, *value.shape) : INT64_MAX;
}

/// Larger results are only computed at once as long as half of the budget is left for those that
/// the network reads.
bool Inference::is_eager(ValueId id) const {
  const std::int64_t bytes = bytes_of_value(id);
  if (bytes > kEagerBytes) return false;
  return bytes <= kKnownBytes || budget_.fits(saturated_sum(bytes, budget_.held()));
}

/// @param planned  bytes of the values that are folded besides.
bool Inference::stays(ValueId id, std::int64_t planned) const {
  const Node& maker = graph_.node(graph_.producer(id));
  if (is_kept(maker)) return true;
  const bool repeats =
      std::find(kRepeaters.begin(), kRepeaters.end(), maker.op_type) != kRepeaters.end();
  const std::int64_t bytes = bytes_of_value(id);
  return repeats && (bytes > kRepeatedBytes || !budget_.fits(saturated_sum(planned, bytes)));
}

void Inference::compute_frontier() {
  std::vector<ValueId> open(graph_.outputs());
  for (const Node& node : graph_.nodes()) {
    if (!inputs_are_constant(node)) {
      open.insert(open.end(), node.inputs.begin(), node.inputs.end());
    }
  }
  std::unordered_set<ValueId> seen;
  std::vector<ValueId> needed;
  std::int64_t planned = 0;
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == kNoValue || !at(id).constant || graph_.is_constant(id) || !seen.insert(id).second) {
      continue;
    }
    if (stays(id, planned)) {
      const auto& inputs = graph_.node(graph_.producer(id)).inputs;
      open.insert(open.end(), inputs.begin(), inputs.end());
    } else {
      needed.push_back(id);
      planned = saturated_sum(planned, bytes_of_value(id));
    }
  }
  fold_values(needed);
}

void Inference::fold_values(const std::vector<ValueId>& values) {
  // The operands of decoders too, whose integers are kept.
  std::vector<ValueId> asked = values;
  std::vector<NodeId> decoders;
  for (const ValueId id : values) {
    const NodeId maker = graph_.producer(id);
    if (!is_decoder(graph_.node(maker))) continue;
    decoders.push_back(maker);
    for (std::size_t i = 0; i < 3; ++i) {
      if (graph_.node(maker).input(i) != kNoValue) asked.push_back(graph_.node(maker).inputs[i]);
    }
  }
  std::vector<Tensor> computed = evaluate_constants(graph_, asked, budget_);
  for (std::size_t i = values.size(); i < computed.size(); ++i) {
    if (graph_.is_constant(asked[i])) continue;
    budget_.release(static_cast<std::int64_t>(computed[i].bytes().size()));
  }
  std::size_t next = values.size();
  for (const NodeId id : decoders) {
    const Node& node = graph_.node(id);
    const auto operand = [&](std::size_t i) {
      return node.input(i) == kNoValue ? Tensor() : std::move(computed[next++]);
    };
    const Tensor numbers = operand(0);
    const Tensor scale = operand(1);
    const Tensor zero_points = operand(2);
    graph_.mutable_value(node.outputs.front()).levels =
        decoded_levels(node, numbers, scale, zero_points);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    graph_.mutable_value(values[i]).constant = std::move(computed[i]);
  }
}

void Inference::detach_constants() {
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    if (std::none_of(graph_.node(id).outputs.begin(),
                     graph_.node(id).outputs.end(),
                     [&](ValueId output) { return graph_.is_constant(output); })) {
      continue;
    }
    // A constant has no producer. Readers keep the value; if the node stays because of another
    // output, it omits this one.
    for (ValueId& output : graph_.mutable_node(id).outputs) {
      if (graph_.is_constant(output)) output = kNoValue;
    }
  }
  graph_.erase_dead_nodes();
}

void Inference::simplify_reshapes() {
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    const Node& node = graph_.node(static_cast<NodeId>(i));
    if (!node.is("Reshape") || !node.domain.empty() || graph_.is_constant(node.input(1))) continue;
    const auto& shape = graph_.value(node.outputs.front()).shape;
    if (!shape || std::count(shape->begin(), shape->end(), Dim::fixed(0)) > 0) continue;
    std::vector<std::int64_t> target;
    for (const Dim& extent : *shape) target.push_back(extent.is_fixed() ? extent.size : -1);
    if (std::count(target.begin(), target.end(), -1) > 1) continue;
    const auto rank = static_cast<std::int64_t>(target.size());
    const ValueId constant =
        graph_.add_constant(node.name + "_shape", Tensor::from<std::int64_t>({rank}, target));
    graph_.mutable_node(static_cast<NodeId>(i)).inputs[1] = constant;
  }
  graph_.erase_dead_nodes();
}

std::map<std::string, bool> known_conditions(Graph graph) {
  graph.sort();
  graph.erase_dead_nodes();
  Inference inference(graph);
  inference.visit_all();
  return inference.conditions();
}

std::set<std::string> data_dependent_nodes(Graph graph) {
  graph.sort();
  graph.erase_dead_nodes();
  Inference inference(graph);
  inference.visit_all();
  return inference.data_dependent();
}

std::vector<OutputFacts> infer_sub_graph(const Graph& inside, Facts inputs) {
  Graph graph = inside;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const InputFacts& input = fact(inputs, i);
    Value& value = graph.mutable_value(graph.inputs()[i]);
    value.type = input.type;
    value.shape = input.known && input.present ? std::optional(input.shape) : std::nullopt;
    if (input.constant != nullptr) value.constant = *input.constant;
  }
  Inference inference(graph);
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    inference.know(graph.inputs()[i], fact(inputs, i).elements);
  }
  inference.visit_all();
  inference.raise();
  std::vector<OutputFacts> facts;
  for (const ValueId id : graph.outputs()) {
    if (!inference.knows(id)) {
      throw ShapeError("ops",
                       fmt::format("the shape of '{}', an output of a sub-network, is not known",
                                   graph.value(id).name));
    }
    facts.push_back(inference.facts_of(id));
  }
  return facts;
}

}  // namespace ompq::ops

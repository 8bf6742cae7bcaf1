#include <algorithm>
#include <optional>

#include "ompq/graph/passes.h"
#include "ompq/graph/uses.h"

namespace ompq::graph {
namespace {

bool is_zero(const std::vector<std::int64_t>& list) {
  return std::all_of(list.begin(), list.end(), [](std::int64_t x) { return x == 0; });
}

bool is_counting(const std::vector<std::int64_t>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] != static_cast<std::int64_t>(i)) return false;
  }
  return !list.empty();
}

bool pads_nothing(const Graph& graph, const Node& node) {
  if (node.inputs.size() < 2) {  // before opset 11
    return node.has_attribute("pads") && is_zero(node.ints_attribute("pads", {}));
  }
  return graph.is_constant(node.inputs[1]) &&
         is_zero(graph.value(node.inputs[1]).constant->to_int64s());
}

bool drops_nothing(const Graph& graph, const Uses& uses, const Node& node) {
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    const ValueId mask = node.outputs[i];
    if (mask == kNoValue) continue;
    if (uses.is_visible(mask) || !uses.readers(mask).empty()) return false;
  }
  const ValueId training = node.input(2);
  if (training == kNoValue) return true;
  return graph.is_constant(training) && is_zero(graph.value(training).constant->to_int64s());
}

bool keeps_type(const Graph& graph, const Node& node) {
  const Value& from = graph.value(node.inputs[0]);
  const Value& to = graph.value(node.outputs[0]);
  // Types are only known after inference, which sets both.
  return from.shape && to.shape && from.type == to.type;
}

/// True if outputs[0] always equals inputs[0].
bool is_no_op(const Graph& graph, const Uses& uses, const Node& node) {
  if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  if (node.is("Identity")) return true;
  if (node.is("Dropout")) return drops_nothing(graph, uses, node);
  if (node.is("Cast")) return keeps_type(graph, node);
  if (node.is("Pad")) return pads_nothing(graph, node);
  if (node.is("Transpose")) return is_counting(node.ints_attribute("perm", {}));
  const bool gathers =
      node.is("Concat") || node.is("Sum") || node.is("Max") || node.is("Min") || node.is("Mean");
  return gathers && node.inputs.size() == 1;
}

/// Redirects readers of removed nodes; all rewiring happens in one pass at the end.
class Detours {
 public:
  explicit Detours(std::size_t values) : target_(values, kNoValue) {}

  ValueId resolve(ValueId id) const {
    while (id != kNoValue && target_[static_cast<std::size_t>(id)] != kNoValue) {
      id = target_[static_cast<std::size_t>(id)];
    }
    return id;
  }
  void set(ValueId from, ValueId to) { target_[static_cast<std::size_t>(from)] = to; }

  void apply(Graph& graph) const {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      for (ValueId& input : graph.mutable_node(static_cast<NodeId>(i)).inputs) {
        input = resolve(input);
      }
    }
  }

 private:
  std::vector<ValueId> target_;
};

int remove_identities(Graph& graph) {
  const Uses uses(graph);
  Detours detours(graph.values().size());
  std::vector<NodeId> gone;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.node(id);
    if (!is_no_op(graph, uses, node)) continue;
    const ValueId before = detours.resolve(node.inputs[0]);
    const ValueId after = node.outputs[0];
    if (!uses.is_visible(after)) {
      detours.set(after, before);
    } else {
      // A network output keeps its name: the producer of the input writes it instead.
      const NodeId maker = uses.producer(before);
      if (maker == kNoNode || uses.is_visible(before)) continue;
      std::vector<ValueId>& outputs = graph.mutable_node(maker).outputs;
      std::replace(outputs.begin(), outputs.end(), before, after);
      detours.set(before, after);
    }
    gone.push_back(id);
  }
  detours.apply(graph);
  graph.erase_nodes(gone);
  return static_cast<int>(gone.size());
}

/// `addend` as one number for each of `count` channels on `axis` of a value of rank `rank`; nullopt
/// if it is not.
std::optional<Tensor> as_bias(const Tensor& addend,
                              std::int64_t count,
                              std::int64_t rank,
                              std::int64_t axis) {
  if (addend.type() != DataType::Float32 || addend.rank() > rank) return std::nullopt;
  for (std::int64_t i = 0; i < addend.rank(); ++i) {
    const std::int64_t extent = addend.shape()[static_cast<std::size_t>(i)];
    const bool channels = i + rank - addend.rank() == axis && extent == count;
    if (extent != 1 && !channels) return std::nullopt;
  }
  if (addend.elements() == count) return addend.reshaped({count});
  return Tensor::from({count},
                      std::vector<float>(static_cast<std::size_t>(count), addend.data<float>()[0]));
}

std::optional<Tensor> bias_after(const Graph& graph, const Node& node, const Node& add) {
  const bool gemm = node.is("Gemm");
  const bool transposed = node.is("ConvTranspose");
  if (!node.domain.empty() || (!gemm && !transposed && !node.is("Conv"))) return std::nullopt;
  if (node.input(2) != kNoValue || !graph.is_constant(node.input(1))) return std::nullopt;
  const std::size_t other = add.inputs[0] == node.outputs[0] ? 1 : 0;
  if (!graph.is_constant(add.inputs[other])) return std::nullopt;
  const std::vector<std::int64_t>& weight = graph.value(node.inputs[1]).constant->shape();
  if (weight.size() < 2) return std::nullopt;
  std::int64_t count = weight[0];
  if (transposed) count = weight[1] * node.int_attribute("group", 1);
  if (gemm && node.int_attribute("transB", 0) == 0) count = weight[1];
  return as_bias(
      *graph.value(add.inputs[other]).constant, count, static_cast<std::int64_t>(weight.size()), 1);
}

int merge_biases(Graph& graph) {
  const Uses uses(graph);
  std::vector<NodeId> gone;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    if (graph.node(id).outputs.size() != 1) continue;
    const NodeId reader = uses.sole_reader(graph.node(id).outputs[0]);
    if (reader == kNoNode || !graph.node(reader).is("Add")) continue;
    const Node& add = graph.node(reader);
    std::optional<Tensor> bias = bias_after(graph, graph.node(id), add);
    if (!bias) continue;
    const ValueId output = add.outputs[0];
    const ValueId added = graph.add_constant(graph.node(id).name + ".bias", std::move(*bias));
    Node& node = graph.mutable_node(id);
    node.inputs.resize(2);
    node.inputs.push_back(added);
    node.outputs[0] = output;
    if (node.is("Gemm")) node.attributes["beta"] = 1.0F;
    gone.push_back(reader);
  }
  graph.erase_nodes(gone);
  return static_cast<int>(gone.size());
}

}  // namespace

int remove_no_ops(Graph& graph) { return remove_identities(graph) + merge_biases(graph); }

}  // namespace ompq::graph

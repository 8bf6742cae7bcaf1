#include "ompq/pipeline/file_graph.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/log.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/unread_attribute.h"
#include "ompq/ops/fold_constants.h"
#include "ompq/pipeline/repeated_constants.h"

namespace ompq::pipeline {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Layer;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

std::unordered_map<std::string, NodeId> node_ids_by_name(const Graph& graph) {
  std::unordered_map<std::string, NodeId> found;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    found.emplace(graph.nodes()[n].name, static_cast<NodeId>(n));
  }
  return found;
}

/// The index of `value` among the node's inputs; nullopt if it is not an input.
std::optional<std::size_t> place_of(const Node& node, ValueId value) {
  const auto found = std::ranges::find(node.inputs, value);
  if (value == kNoValue || found == node.inputs.end()) return std::nullopt;
  return static_cast<std::size_t>(found - node.inputs.begin());
}

bool comes_from_constants(const Graph& graph, ValueId value) {
  std::set<ValueId> seen;
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (id == kNoValue || graph.is_constant(id) || !seen.insert(id).second) continue;
    const NodeId maker = graph.producer(id);
    if (maker == kNoNode) return false;
    const auto& inputs = graph.node(maker).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return true;
}

/// Gives the layers' constants the same form and names as in the model.
class LayerNames {
 public:
  LayerNames(Graph& file, const Model& model)
      : file_(file), model_(model), nodes_(node_ids_by_name(file)) {}

  /// Returns a layer that is missing in the file's graph; nullopt if all exist.
  std::optional<std::string> adopt_all() {
    for (const Layer& layer : model_.discovery.layers) {
      if (!adopt(layer)) return layer.name;
    }
    return std::nullopt;
  }

 private:
  bool adopt(const Layer& layer) {
    const auto found = nodes_.find(layer.node_name);
    if (found == nodes_.end()) return false;
    const Node& ours = model_.graph.node(layer.node);
    const Node& theirs = file_.node(found->second);
    if (theirs.op_type != ours.op_type || theirs.domain != ours.domain) return false;
    if (!place_of(ours, layer.input)) return false;
    return adopt_constant(ours, found->second, layer.weight) &&
           (layer.bias == kNoValue || adopt_constant(ours, found->second, layer.bias));
  }

  bool adopt_constant(const Node& ours, NodeId theirs, ValueId constant) {
    const graph::Value& wanted = model_.graph.value(constant);
    const auto place = place_of(ours, constant);
    // The bias of a MatMul belongs to another node.
    const ValueId there = place ? file_.node(theirs).input(*place) : file_.find_value(wanted.name);
    if (there == kNoValue) return false;
    if (!file_.is_constant(there) && !detach(there)) return false;
    graph::Value& value = file_.mutable_value(there);
    if (value.constant && value.constant->shape() != wanted.constant->shape()) return false;
    value.constant = wanted.constant;
    value.shape = wanted.shape;
    value.type = wanted.type;
    return value.name == wanted.name || (place && rename(theirs, *place, wanted));
  }

  /// Makes a value constant by removing its producer.
  bool detach(ValueId value) {
    if (file_.is_output(value) || !comes_from_constants(file_, value)) return false;
    std::ranges::replace(file_.mutable_node(file_.producer(value)).outputs, value, kNoValue);
    return true;
  }

  bool rename(NodeId node, std::size_t place, const graph::Value& wanted) {
    if (file_.find_value(wanted.name) != kNoValue) return false;
    const ValueId fresh = file_.add_constant(wanted.name, *wanted.constant);
    file_.mutable_value(fresh).stored = file_.value(file_.node(node).inputs[place]).stored;
    file_.mutable_node(node).inputs[place] = fresh;
    return true;
  }

  Graph& file_;
  const Model& model_;
  std::unordered_map<std::string, NodeId> nodes_;
};

/// The axis of a layer's input whose extent is fixed by its weight; nullopt if unknown.
std::optional<std::size_t> channel_axis(const Node& node, std::size_t rank) {
  if (rank < 2) return std::nullopt;
  if (node.is("Conv") || node.is("ConvTranspose")) return 1;
  if (node.is("Gemm") && node.int_attribute("transA", 0) != 0) return std::nullopt;
  return rank - 1;
}

/// Ranks and types from the model, but only extents that are valid for every size.
void set_shapes(Graph& file, const Model& model) {
  for (std::size_t i = 0; i < file.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (file.is_constant(id)) continue;
    graph::Value& value = file.mutable_value(id);
    const ValueId known = model.graph.find_value(value.name);
    value.shape.reset();
    const auto* declared = graph::find_declaration(file.interface.outputs, value.name);
    const bool is_float_here = declared == nullptr || declared->type == DataType::Float16 ||
                               declared->type == DataType::BFloat16 ||
                               declared->type == DataType::Float64;
    if (known == kNoValue && file.is_output(id) && !is_float_here) value.type = declared->type;
    if (known == kNoValue || !model.graph.value(known).shape) continue;
    value.type = model.graph.value(known).type;
    value.shape.emplace(model.graph.value(known).shape->size(), graph::Dim::batch());
  }
  for (const Layer& layer : model.discovery.layers) {
    if (layer.use == graph::WeightUse::Lookup) continue;  // indices of any shape
    const ValueId input = value_in_file(model, file, layer.input);
    const auto& real = model.graph.value(layer.input).shape;
    if (input == kNoValue || !real || file.is_constant(input)) continue;
    const auto axis = channel_axis(model.graph.node(layer.node), real->size());
    auto& shape = file.mutable_value(input).shape;
    if (!shape) shape.emplace(real->size(), graph::Dim::batch());
    if (axis && shape->size() == real->size()) (*shape)[*axis] = (*real)[*axis];
  }
}

bool is_written_whole(const Graph& graph) {
  return std::ranges::none_of(graph.nodes(), [](const Node& node) {
    return std::ranges::any_of(node.attributes, [](const auto& attribute) {
      const auto* text = std::get_if<std::string>(&attribute.second);
      return text != nullptr && *text == onnx_io::kUnreadAttribute;
    });
  });
}

std::optional<Graph> open_graph(const Graph& imported, const Model& model, Norms norms) {
  Graph file = imported;
  ops::fold_constants(file);
  graph::remove_no_ops(file);
  graph::share_embedding_tables(file);
  if (norms == Norms::Folded) graph::fold_batch_norms(file);
  file.sort();
  file.erase_dead_nodes();
  std::optional<std::string> reason;
  if (!is_written_whole(file)) reason = "a sub-network that depends on the given sizes";
  if (!reason && norms == Norms::Folded) {
    if (const auto layer = LayerNames(file, model).adopt_all()) {
      reason = fmt::format("layer '{}', whose weight depends on the given sizes", *layer);
    }
  }
  if (reason) {
    log().warn("{}: the written file supports only the given sizes, because of {}",
               model.file.string(),
               *reason);
    return std::nullopt;
  }
  file.erase_dead_nodes();
  set_shapes(file, model);
  return file;
}

}  // namespace

bool holds_for_every_size(const Graph& imported) {
  std::set<std::string> batch_names;
  for (const ValueId id : imported.inputs()) {
    const graph::Value& input = imported.value(id);
    const auto* declared = graph::find_declaration(imported.interface.inputs, input.name);
    if (declared == nullptr || !input.shape) continue;
    if (!declared->shape || declared->shape->size() != input.shape->size()) return false;
    for (std::size_t i = 0; i < input.shape->size(); ++i) {
      const graph::DeclaredDim& dim = (*declared->shape)[i];
      if (dim.is_open() && (*input.shape)[i].is_fixed()) return false;
      if (dim.is_open()) batch_names.insert(dim.name);
    }
  }
  return batch_names.size() < 2;  // two names, two sizes
}

std::optional<Graph> file_graph(const Graph& imported, const Model& model, Norms norms) {
  if (!model.tail.empty() || !holds_for_every_size(imported))
    return open_graph(imported, model, norms);
  if (norms == Norms::Kept) return std::nullopt;
  Graph file = model.graph;
  std::set<ValueId> held;
  for (const Layer& layer : model.discovery.layers) held.insert({layer.weight, layer.bias});
  restore_repeated_constants(file, imported, held);
  return file;
}

ValueId value_in_file(const Model& model, const Graph& file, ValueId value) {
  const std::string& name = model.graph.value(value).name;
  for (const Layer& layer : model.discovery.layers) {
    if (layer.input != value) continue;
    const auto place = place_of(model.graph.node(layer.node), value);
    for (const Node& node : file.nodes()) {
      if (place && node.name == layer.node_name) return node.input(*place);
    }
  }
  return file.find_value(name);
}

void take_constants(Graph& file, const Graph& graph) {
  for (std::size_t i = 0; i < file.values().size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (!file.is_constant(id)) continue;
    graph::Value& value = file.mutable_value(id);
    const ValueId other = graph.find_value(value.name);
    if (!graph.is_constant(other)) continue;
    const Tensor& tensor = *graph.value(other).constant;
    const bool same_kind =
        tensor.shape() == value.constant->shape() && tensor.type() == value.constant->type();
    if (same_kind) value.constant = tensor;
  }
}

}  // namespace ompq::pipeline

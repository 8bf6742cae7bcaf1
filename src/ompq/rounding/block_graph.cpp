#include "ompq/rounding/block_graph.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/layer_function.h"
#include "ompq/graph/uses.h"

namespace ompq::rounding {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

bool is_activation_value(const Graph& graph, ValueId id) {
  return id != graph::kNoValue && !graph.is_constant(id);
}
bool is_float(const Graph& graph, ValueId id) { return graph.value(id).type == DataType::Float32; }

/// `nodes`, preceded by producers of integers that they read.
std::vector<NodeId> with_integer_makers(const Graph& whole, std::span<const NodeId> nodes) {
  std::set<NodeId> all(nodes.begin(), nodes.end());
  std::vector<NodeId> open(nodes.begin(), nodes.end());
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    for (const ValueId input : whole.node(id).inputs) {
      if (!is_activation_value(whole, input) || is_float(whole, input)) continue;
      const NodeId maker = whole.producer(input);
      if (maker != graph::kNoNode && all.insert(maker).second) open.push_back(maker);
    }
  }
  return {all.begin(), all.end()};
}

/// The stage's input and output activations.
struct Edges {
  std::vector<ValueId> read;
  std::set<ValueId> made;
};

Edges edges_of(const Graph& graph, std::span<const NodeId> nodes) {
  Edges edges;
  for (const NodeId id : nodes) {
    for (const ValueId output : graph.node(id).outputs) edges.made.insert(output);
  }
  for (const NodeId id : nodes) {
    for (const ValueId input : graph.node(id).inputs) {
      if (!is_activation_value(graph, input) || edges.made.contains(input)) continue;
      if (std::find(edges.read.begin(), edges.read.end(), input) == edges.read.end()) {
        edges.read.push_back(input);
      }
    }
  }
  return edges;
}

class StagePlanner {
 public:
  StagePlanner(const Graph& graph, std::span<const graph::Block> blocks)
      : graph_(graph), blocks_(blocks), block_of_(graph.nodes().size(), -1) {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      for (const NodeId id : blocks[b].nodes) {
        block_of_[static_cast<std::size_t>(id)] = static_cast<int>(b);
      }
    }
  }

  std::vector<Stage> run() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) visit(static_cast<NodeId>(i));
    while (!stages_.empty() && stages_.back().block < 0) stages_.pop_back();
    connect();
    return std::move(stages_);
  }

 private:
  /// A block runs at the position of its first node: it reads one value, which exists before. Nodes
  /// between blocks are added to the stage before them.
  void visit(NodeId id) {
    const int block = block_of_[static_cast<std::size_t>(id)];
    if (block >= 0) {
      if (!started_.insert(block).second) return;
      const auto& nodes = blocks_[static_cast<std::size_t>(block)].nodes;
      stages_.push_back({.block = block, .nodes = nodes});
      return;
    }
    if (stages_.empty() || stages_.back().block >= 0) stages_.push_back({});
    stages_.back().nodes.push_back(id);
  }

  /// Integers are not passed between stages: their producers run again where they are read.
  void connect() {
    for (Stage& stage : stages_) {
      stage.nodes = with_integer_makers(graph_, stage.nodes);
      stage.inputs = edges_of(graph_, stage.nodes).read;
    }
    std::set<ValueId> wanted;
    for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage) {
      for (const ValueId made : edges_of(graph_, stage->nodes).made) {
        if (wanted.contains(made)) stage->outputs.push_back(made);
      }
      if (stage->block >= 0 && stage->outputs.empty()) {
        stage->outputs.push_back(blocks_[static_cast<std::size_t>(stage->block)].output);
      }
      wanted.insert(stage->inputs.begin(), stage->inputs.end());
    }
  }

  const Graph& graph_;
  std::span<const graph::Block> blocks_;
  std::vector<int> block_of_;
  std::set<int> started_;
  std::vector<Stage> stages_;
};

}  // namespace

PartGraph extract_part(const Graph& whole,
                       std::span<const NodeId> nodes,
                       std::span<const ValueId> inputs,
                       std::span<const ValueId> outputs) {
  PartGraph part;
  part.graph.opset = whole.opset;
  part.nodes = with_integer_makers(whole, nodes);
  for (const ValueId id : inputs) {
    const graph::Value& value = whole.value(id);
    part.own[id] = part.graph.add_input(value.name, value.type, value.shape.value());
  }
  const auto own = [&](ValueId id) {
    if (id == graph::kNoValue || part.own.contains(id)) return;
    if (!whole.is_constant(id)) {
      throw ConfigError(
          "reconstruction",
          fmt::format(
              "the part of the network reads '{}', which is produced outside; list it as an input",
              whole.value(id).name));
    }
    part.own[id] = part.graph.add_value(whole.value(id));
  };
  part.own[graph::kNoValue] = graph::kNoValue;
  for (const NodeId id : part.nodes) {
    graph::Node node = whole.node(id);
    for (ValueId& input : node.inputs) {
      own(input);
      input = part.own.at(input);
    }
    for (ValueId& output : node.outputs) {
      if (output == graph::kNoValue) continue;
      part.own[output] = part.graph.add_value(whole.value(output));
      output = part.own[output];
    }
    part.graph.add_node(std::move(node));
  }
  for (const ValueId id : outputs) part.graph.mark_output(part.own.at(id));
  return part;
}

std::vector<graph::Layer> layers_of_part(const PartGraph& part,
                                         const std::vector<graph::Layer>& layers,
                                         std::vector<std::size_t>* which) {
  std::vector<graph::Layer> found;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const auto node = std::find(part.nodes.begin(), part.nodes.end(), layers[l].node);
    if (node == part.nodes.end()) continue;
    graph::Layer layer = layers[l];
    layer.node = static_cast<NodeId>(node - part.nodes.begin());
    for (ValueId* id : {&layer.weight,
                        &layer.bias,
                        &layer.input,
                        &layer.activation,
                        &layer.output,
                        &layer.feature}) {
      const auto own = part.own.find(*id);
      *id = own == part.own.end() ? graph::kNoValue : own->second;
    }
    found.push_back(std::move(layer));
    if (which != nullptr) which->push_back(l);
  }
  return found;
}

std::vector<graph::Block> layer_blocks(const Graph& graph,
                                       const std::vector<graph::Layer>& layers) {
  const graph::Uses uses(graph);
  std::vector<graph::Block> blocks;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (l > 0 && layers[l].node == layers[l - 1].node) {
      blocks.back().layers.push_back(static_cast<graph::LayerId>(l));
      continue;
    }
    const auto function = graph::layer_function(graph, uses, layers[l].node);
    const auto end =
        function.nodes.begin() + static_cast<std::ptrdiff_t>(function.nodes_before_add);
    graph::Block block{.name = layers[l].name,
                       .input = layers[l].input,
                       .output = function.before_add,
                       .nodes = {function.nodes.begin(), end},
                       .layers = {static_cast<graph::LayerId>(l)}};
    std::sort(block.nodes.begin(), block.nodes.end());
    blocks.push_back(std::move(block));
  }
  return blocks;
}

std::vector<Stage> plan_stages(const Graph& graph, std::span<const graph::Block> blocks) {
  return StagePlanner(graph, blocks).run();
}

std::int64_t elements_per_sample(const Graph& graph, ValueId value) {
  std::int64_t elements = 1;
  for (const graph::Dim& dim : graph.value(value).shape.value()) elements *= dim.size;
  return elements;
}

bool has_samples_first(const Graph& graph, ValueId value) {
  const graph::Shape& shape = graph.value(value).shape.value();
  return std::all_of(shape.begin() + std::min<std::ptrdiff_t>(1, std::ssize(shape)),
                     shape.end(),
                     [](const graph::Dim& dim) { return dim.is_fixed(); });
}

}  // namespace ompq::rounding

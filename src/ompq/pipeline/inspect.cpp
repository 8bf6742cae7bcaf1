#include "ompq/pipeline/inspect.h"

#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/memory_limit.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/pipeline/layer_tables.h"

namespace ompq::pipeline {
namespace {

std::vector<report::NamedShape> named_shapes(const graph::Graph& graph,
                                             const std::vector<graph::ValueId>& ids) {
  std::vector<report::NamedShape> shapes;
  for (const graph::ValueId id : ids) {
    const graph::Value& value = graph.value(id);
    shapes.push_back({value.name, value.shape ? graph::to_string(*value.shape) : "?"});
  }
  return shapes;
}

/// The outputs in the file, if the end that produces them is not run.
std::vector<report::NamedShape> declared_outputs(const graph::Graph& graph) {
  std::vector<report::NamedShape> shapes;
  for (const graph::Declaration& output : graph.interface.outputs) {
    std::vector<std::string> extents;
    for (const graph::DeclaredDim& dim : output.shape.value_or(std::vector<graph::DeclaredDim>{})) {
      extents.push_back(dim.is_open() ? "?" : std::to_string(*dim.size));
    }
    shapes.push_back(
        {output.name, output.shape ? fmt::format("{}", fmt::join(extents, "x")) : "?"});
  }
  return shapes;
}

/// Number of elements of all used floating-point constants.
std::int64_t parameter_count(const graph::Graph& graph) {
  std::unordered_set<graph::ValueId> seen;
  std::int64_t count = 0;
  for (const graph::Node& node : graph.nodes()) {
    for (const graph::ValueId input : node.inputs) {
      if (!graph.is_constant(input) || !seen.insert(input).second) continue;
      const Tensor& constant = *graph.value(input).constant;
      if (constant.type() == DataType::Float32) count += constant.elements();
    }
  }
  return count;
}

}  // namespace

report::Inspection inspect(const Model& model) {
  const graph::Graph& graph = model.graph;
  report::Inspection inspection;
  inspection.model = {model.file.string(), model.sha256, model.file_bytes};
  inspection.opset = graph.opset;
  inspection.inputs = named_shapes(graph, graph.inputs());
  inspection.outputs =
      model.tail.empty() ? named_shapes(graph, graph.outputs()) : declared_outputs(graph);
  inspection.layers = layer_rows(model);
  inspection.parameters = parameter_count(graph);
  for (const graph::Layer& layer : model.discovery.layers) {
    inspection.macs = saturated_sum(inspection.macs, layer.macs);
  }
  for (const graph::Block& block : model.discovery.blocks) {
    report::BlockRow& row = inspection.blocks.emplace_back();
    row.name = block.name;
    for (const graph::LayerId layer : block.layers) {
      row.layers.push_back(model.discovery.layers[static_cast<std::size_t>(layer)].name);
    }
  }
  for (const graph::NotQuantizable& entry : model.discovery.rejected) {
    const graph::Node& node = graph.node(entry.node);
    inspection.not_quantizable.push_back({node.name, node.op_type, entry.reason});
  }
  for (const auto& [name, op] : model.tail) {
    inspection.copied.push_back({name, op, "its shapes depend on the data"});
  }
  for (const auto& [key, value] : graph.metadata) inspection.metadata.push_back({key, value});
  if (const auto note = read_file_metadata(graph.metadata)) {
    inspection.quantization = {
        note->version, note->float_sha256, note->budget, note->weight_bits, note->activation_bits};
  }
  return inspection;
}

}  // namespace ompq::pipeline

#include "ompq/pipeline/model.h"

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/infer.h"
#include "ompq/pipeline/file_graph.h"

namespace ompq::pipeline {
namespace {

/// Hash and size. The hash of a model alone is that of its file, which anybody can check; the
/// weights of one with external data could change behind it.
void identify(Model& model) {
  const std::string bytes = read_file(model.file);
  model.sha256 = sha256(bytes);
  model.file_bytes = static_cast<std::int64_t>(bytes.size());
  if (model.data_files.empty()) return;
  std::string hashes = model.sha256;
  for (const std::filesystem::path& file : model.data_files) {
    const std::string data = read_file(file);
    hashes += sha256(data);
    model.file_bytes += static_cast<std::int64_t>(data.size());
  }
  model.sha256 = sha256(hashes);
}

/// The network as its file says, but for what changes nothing. Before anything is folded, so that
/// one weight behind several Identities stays one.
graph::Graph import_network(const std::filesystem::path& file,
                            const onnx_io::ImportOptions& options,
                            std::set<std::filesystem::path>* data_files) {
  graph::Graph graph = onnx_io::import_onnx(file, options, data_files);
  graph::remove_no_ops(graph);
  graph.sort();
  graph::merge_constant_twins(graph);
  return graph;
}

graph::Graph inferred(graph::Graph graph) {
  ops::infer_and_fold(graph);
  graph::remove_no_ops(graph);
  return graph;
}

}  // namespace

Model load_model(const std::filesystem::path& file, const onnx_io::ImportOptions& options) {
  Model model;
  model.file = file;
  model.import = options;
  const graph::Graph imported = import_network(file, options, &model.data_files);
  identify(model);
  model.graph = inferred(imported);
  graph::fold_batch_norms(model.graph);
  model.graph.sort();
  ops::infer_and_fold(model.graph);
  model.discovery = graph::discover(model.graph);
  model.file_graph = file_graph(imported, model);
  if (model.file_graph) model.unfolded_file_graph = file_graph(imported, model, Norms::Kept);
  return model;
}

graph::Graph load_unfolded(const std::filesystem::path& file,
                           const onnx_io::ImportOptions& options,
                           std::set<std::filesystem::path>* data_files) {
  return inferred(import_network(file, options, data_files));
}

std::vector<data::InputSpec> input_specs(const graph::Graph& graph) {
  std::vector<data::InputSpec> specs;
  for (const graph::ValueId id : graph.inputs()) {
    const graph::Value& input = graph.value(id);
    const graph::Shape& shape = *input.shape;
    if (shape.empty()) {
      throw ShapeError(
          "model",
          fmt::format("input '{}' is a scalar; inputs need a batch dimension", input.name));
    }
    data::InputSpec spec{input.name, {}};
    for (std::size_t d = 1; d < shape.size(); ++d) {
      if (!shape[d].is_fixed()) {
        throw ShapeError("model",
                         fmt::format("input '{}' has shape {}; only its first dimension may stay "
                                     "open, give the others with --input-shape",
                                     input.name,
                                     graph::to_string(shape)));
      }
      spec.extents.push_back(shape[d].size);
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::int64_t batch_size_for(const graph::Graph& graph, std::int64_t wanted) {
  for (const graph::ValueId id : graph.inputs()) {
    const graph::Shape& shape = *graph.value(id).shape;
    if (!shape.empty() && shape.front().is_fixed()) return shape.front().size;
  }
  return wanted;
}

}  // namespace ompq::pipeline

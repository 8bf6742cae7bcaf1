#include "ompq/pipeline/model.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/infer.h"

namespace ompq::pipeline {
namespace {

/// Hash and size. The hash of a model alone is that of its file, which anybody can check; the
/// weights of one with external data could change behind it.
void identify(Model& model, const std::set<std::filesystem::path>& data_files) {
  const std::string bytes = read_file(model.file);
  model.sha256 = sha256(bytes);
  model.file_bytes = static_cast<std::int64_t>(bytes.size());
  if (data_files.empty()) return;
  std::string hashes = model.sha256;
  for (const std::filesystem::path& file : data_files) {
    const std::string data = read_file(file);
    hashes += sha256(data);
    model.file_bytes += static_cast<std::int64_t>(data.size());
  }
  model.sha256 = sha256(hashes);
}

}  // namespace

Model load_model(const std::filesystem::path& file, const onnx_io::ImportOptions& options) {
  Model model;
  model.file = file;
  std::set<std::filesystem::path> data_files;
  model.graph = load_unfolded(file, options, &data_files);
  identify(model, data_files);
  graph::fold_batch_norms(model.graph);
  model.graph.sort();
  ops::infer_and_fold(model.graph);
  model.discovery = graph::discover(model.graph);
  return model;
}

graph::Graph load_unfolded(const std::filesystem::path& file,
                           const onnx_io::ImportOptions& options,
                           std::set<std::filesystem::path>* data_files) {
  graph::Graph graph = onnx_io::import_onnx(file, options, data_files);
  ops::infer_and_fold(graph);
  graph::remove_no_ops(graph);
  return graph;
}

namespace {

bool is_open(const graph::Shape& shape) {
  return std::any_of(
      shape.begin(), shape.end(), [](const graph::Dim& dim) { return !dim.is_fixed(); });
}

/// Where an input counts samples; nothing where all samples of a pass share it.
std::optional<std::size_t> batch_axis_of(const graph::Shape& shape, std::int64_t fixed_batch) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!shape[d].is_fixed()) return d;
  }
  // One sample a pass may stand at any axis or at none: the input is that sample's as it is.
  const bool other = fixed_batch == 1 && !shape.empty() && shape.front().size != 1;
  if (shape.empty() || other) return std::nullopt;
  return 0;
}

data::InputSpec spec_of(const graph::Value& input, std::int64_t fixed_batch) {
  const graph::Shape& shape = *input.shape;
  data::InputSpec spec{input.name, {}, input.type, batch_axis_of(shape, fixed_batch)};
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (d == spec.batch_axis) continue;
    if (!shape[d].is_fixed()) {
      throw ShapeError(
          "model",
          fmt::format("input '{}' has shape {}; only one dimension, the batch, may stay "
                      "open, give the others with --input-shape",
                      input.name,
                      graph::to_string(shape)));
    }
    spec.extents.push_back(shape[d].size);
  }
  return spec;
}

}  // namespace

std::vector<data::InputSpec> input_specs(const graph::Graph& graph) {
  const std::int64_t fixed_batch = batch_size_for(graph, 0);
  std::vector<data::InputSpec> specs;
  for (const graph::ValueId id : graph.inputs()) {
    specs.push_back(spec_of(graph.value(id), fixed_batch));
  }
  return specs;
}

std::int64_t batch_size_for(const graph::Graph& graph, std::int64_t wanted) {
  for (const graph::ValueId id : graph.inputs()) {
    const graph::Shape& shape = *graph.value(id).shape;
    if (!shape.empty() && !is_open(shape)) return shape.front().size;
  }
  return wanted;
}

}  // namespace ompq::pipeline

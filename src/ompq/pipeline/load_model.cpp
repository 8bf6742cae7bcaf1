#include "ompq/pipeline/load_model.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/infer.h"
#include "ompq/ops/inline_branches.h"
#include "ompq/ops/restore_tables.h"
#include "ompq/pipeline/file_graph.h"
#include "ompq/pipeline/file_metadata.h"
#include "ompq/runtime/passes.h"

namespace ompq::pipeline {
namespace {

/// Hash and size. The hash of a model without external data is that of its file, so users can check
/// it; otherwise it includes the hashes of the data files.
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

/// Turns weights with leading axes of 1 into matrices. Ranks of inputs are inferred on a copy, and
/// only if there is such a weight.
void flatten_by_inferred_ranks(graph::Graph& graph) {
  std::optional<graph::Graph> shaped;
  const graph::Graph imported = graph;
  graph::flatten_weights(graph, [&](graph::ValueId id) -> std::optional<std::size_t> {
    if (!shaped) {
      shaped = imported;
      (void)ops::cut_tail(*shaped);
      ops::infer_and_fold(*shaped);
    }
    const auto& shape = shaped->value(id).shape;
    return shape ? std::optional(shape->size()) : std::nullopt;
  });
}

bool has_choice(const graph::Graph& graph) {
  return std::ranges::any_of(
      graph.nodes(), [](const graph::Node& node) { return node.domain.empty() && node.is("If"); });
}

/// The inputs with their declared extents; nullopt if a shape is not known.
std::vector<onnx_io::DeclaredInput> inputs_of(const graph::Graph& graph) {
  std::vector<onnx_io::DeclaredInput> inputs;
  for (const graph::ValueId id : graph.inputs()) {
    const graph::Value& value = graph.value(id);
    if (!value.shape) return {};
    onnx_io::DeclaredInput input{.name = value.name, .type = value.type};
    for (const graph::Dim& dim : *value.shape) {
      if (!dim.is_fixed()) input.batch_axis = input.extents.size();
      input.extents.push_back(dim.is_fixed() ? dim.size : -1);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

/// Inserts the taken branch of each If that depends on scalar inputs.
void take_branches_of_samples(graph::Graph& graph, const onnx_io::ImportOptions& options) {
  if (!options.sample_numbers || !has_choice(graph)) return;
  const auto inputs = inputs_of(graph);
  const bool any = std::ranges::any_of(
      inputs, [](const onnx_io::DeclaredInput& input) { return input.extents.empty(); });
  if (any) ops::take_branches(graph, options.sample_numbers(inputs));
}

/// The file's network without no-ops. Nothing is folded yet, so that one weight read by several
/// Identities stays one.
graph::Graph import_network(const std::filesystem::path& file,
                            const onnx_io::ImportOptions& options,
                            std::set<std::filesystem::path>* data_files) {
  graph::Graph graph = onnx_io::import_onnx(file, options, data_files);
  ops::inline_known_branches(graph);
  take_branches_of_samples(graph, options);
  if (read_file_metadata(graph.metadata)) {
    graph.sort();
    ops::restore_looked_up_tables(graph);
    graph::note_operand_codes(graph);
  }
  flatten_by_inferred_ranks(graph);
  graph::remove_no_ops(graph);
  graph.sort();
  graph::merge_constant_duplicates(graph);
  return graph;
}

graph::Graph inferred(graph::Graph graph, ops::Tail* tail = nullptr) {
  ops::Tail cut = ops::cut_tail(graph);
  if (tail != nullptr) *tail = std::move(cut);
  ops::infer_and_fold(graph);
  graph::flatten_weights(graph);
  graph::remove_no_ops(graph);
  graph::share_embedding_tables(graph);
  return graph;
}

graph::Graph with_folded_norms(graph::Graph graph) {
  graph::fold_batch_norms(graph);
  graph.sort();
  ops::infer_and_fold(graph);
  return graph;
}

/// A tail that is not run can only be written as part of the imported graph.
void require_no_tail(const Model& model) {
  if (model.tail.empty()) return;
  const auto& [name, op] = model.tail.front();
  throw UnsupportedOp(
      model.file.string(),
      fmt::format("{} node '{}': its shapes depend on the data, and a layer's weight depends on "
                  "the input size; give the network fixed sizes, or cut it before that node",
                  op,
                  name));
}

/// Sums of squares of larger numbers overflow float32.
constexpr float kMostWeight = 1e18F;

void require_moderate(const Model& model, const graph::Layer& layer, graph::ValueId id) {
  if (id == graph::kNoValue) return;
  const graph::Value& value = model.graph.value(id);
  const auto values = value.constant->data<float>();
  const auto found =
      std::ranges::find_if(values, [](float number) { return std::abs(number) > kMostWeight; });
  if (found == values.end()) return;
  throw ImportError(
      model.file.string(),
      fmt::format("'{}' of layer '{}' has the value {:g}, and weights and biases must be within "
                  "+-{:g} to be quantized; they are damaged or their training diverged",
                  value.name,
                  layer.name,
                  *found,
                  kMostWeight));
}

/// @throws ImportError naming the first weight or bias of a layer that is too large to be
/// quantized. Other constants may be, such as masks.
void require_moderate_weights(const Model& model) {
  for (const graph::Layer& layer : model.discovery.layers) {
    require_moderate(model, layer, layer.weight);
    require_moderate(model, layer, layer.bias);
  }
}

/// Adds the file's name to errors about its network.
template <typename Read>
auto told_with_file(const std::filesystem::path& file, const Read& read) {
  const auto own = [&](const Error& error) { return error.where() == file.string(); };
  try {
    return read();
  } catch (const UnsupportedOp& error) {
    if (own(error)) throw;
    throw UnsupportedOp(file.string(), lines_of(error.reason()));
  } catch (const ShapeError& error) {
    if (own(error)) throw;
    throw ShapeError(file.string(), lines_of(error.reason()));
  }
}

TrainableModel loaded(const std::filesystem::path& file, const onnx_io::ImportOptions& options) {
  TrainableModel result;
  Model& model = result.model;
  model.file = file;
  model.import = options;
  const graph::Graph imported = import_network(file, options, &model.data_files);
  identify(model);
  result.unfolded = inferred(imported, &model.tail);
  model.graph = with_folded_norms(result.unfolded);
  model.discovery = graph::discover(model.graph);
  require_moderate_weights(model);
  model.file_graph = file_graph(imported, model);
  if (!model.file_graph) require_no_tail(model);
  if (model.file_graph) model.unfolded_file_graph = file_graph(imported, model, Norms::Kept);
  return result;
}

}  // namespace

Model load_model(const std::filesystem::path& file, const onnx_io::ImportOptions& options) {
  return load_trainable_model(file, options).model;
}

TrainableModel load_trainable_model(const std::filesystem::path& file,
                                    const onnx_io::ImportOptions& options) {
  return told_with_file(file, [&] { return loaded(file, options); });
}

graph::Graph load_graph(const std::filesystem::path& file, const onnx_io::ImportOptions& options) {
  return told_with_file(
      file, [&] { return with_folded_norms(inferred(import_network(file, options, nullptr))); });
}

}  // namespace ompq::pipeline

#include "ompq/onnx_io/exporter.h"

#include <set>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/attribute_proto.h"
#include "ompq/onnx_io/importer.h"

namespace ompq::onnx_io {
namespace {

using graph::kNoValue;
using graph::ValueId;

/// The lowest version of the file format that may carry `opset`, which the most runtimes read; none
/// of what we write needs more than 8.
int ir_version_for(int opset) { return opset <= 18 ? 8 : opset <= 20 ? 9 : 10; }

void write_dim(const graph::Dim& dim, onnx::TensorShapeProto::Dimension& proto) {
  if (dim.is_fixed()) {
    proto.set_dim_value(dim.size);
  } else {
    proto.set_dim_param(dim.size == 1 ? "N" : fmt::format("{}N", dim.size));
  }
}

onnx::ValueInfoProto write_value_info(const graph::Value& value) {
  onnx::ValueInfoProto info;
  info.set_name(value.name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(data_type_to_onnx(value.type));
  if (value.shape) {
    tensor->mutable_shape();
    for (const graph::Dim& dim : *value.shape) write_dim(dim, *tensor->mutable_shape()->add_dim());
  }
  return info;
}

class ModelWriter {
 public:
  explicit ModelWriter(const graph::Graph& graph) : graph_(graph) {}

  onnx::ModelProto write() {
    write_header();
    for (const ValueId id : graph_.inputs()) {
      *proto().add_input() = write_value_info(graph_.value(id));
    }
    for (const graph::Node& node : graph_.nodes()) write_node(node);
    for (const ValueId id : graph_.outputs()) {
      use(id);
      *proto().add_output() = write_value_info(graph_.value(id));
    }
    return std::move(model_);
  }

 private:
  onnx::GraphProto& proto() { return *model_.mutable_graph(); }

  void write_header() {
    model_.set_ir_version(ir_version_for(graph_.opset));
    model_.set_producer_name("ompq");
    proto().set_name(graph_.name);
    std::set<std::string> domains{""};
    for (const graph::Node& node : graph_.nodes()) domains.insert(node.domain);
    for (const std::string& domain : domains) {
      auto* import = model_.add_opset_import();
      import->set_domain(domain);
      import->set_version(domain.empty() ? graph_.opset : 1);
    }
    for (const auto& [key, value] : graph_.metadata) {
      auto* entry = model_.add_metadata_props();
      entry->set_key(key);
      entry->set_value(value);
    }
  }

  void write_node(const graph::Node& node) {
    check(node);
    onnx::NodeProto& out = *proto().add_node();
    out.set_name(node.name);
    out.set_op_type(node.op_type);
    if (!node.domain.empty()) out.set_domain(node.domain);
    for (const ValueId id : node.inputs) {
      use(id);
      out.add_input(id == kNoValue ? "" : graph_.value(id).name);
    }
    for (const ValueId id : node.outputs) {
      out.add_output(id == kNoValue ? "" : graph_.value(id).name);
    }
    for (const auto& [name, attribute] : node.attributes) {
      *out.add_attribute() = write_attribute(name, attribute);
    }
  }

  static void check(const graph::Node& node) {
    if (node.domain == "ompq") {
      throw InternalError(
          "export",
          fmt::format(
              "node '{}' is the fused {}, which ONNX does not know", node.name, node.op_type));
    }
    for (const auto& [name, attribute] : node.attributes) {
      const auto* text = std::get_if<std::string>(&attribute);
      if (text == nullptr || *text != kUnreadAttribute) continue;
      throw UnsupportedOp("export",
                          fmt::format("{} node '{}' holds a sub-network or type in '{}', which "
                                      "was not read and cannot be written",
                                      node.op_type,
                                      node.name,
                                      name));
    }
  }

  /// Constants are written the first time something reads them.
  void use(ValueId id) {
    if (!graph_.is_constant(id) || !written_.insert(id).second) return;
    const graph::Value& value = graph_.value(id);
    *proto().add_initializer() = write_tensor(*value.constant, value.name);
  }

  const graph::Graph& graph_;
  onnx::ModelProto model_;
  std::set<ValueId> written_;
};

}  // namespace

std::string export_onnx_bytes(const graph::Graph& graph, const ExportOptions&) {
  return ModelWriter(graph).write().SerializeAsString();
}

void export_onnx(const graph::Graph& graph,
                 const std::filesystem::path& file,
                 const ExportOptions& options) {
  write_file_atomically(file, std::string_view(export_onnx_bytes(graph, options)));
}

}  // namespace ompq::onnx_io

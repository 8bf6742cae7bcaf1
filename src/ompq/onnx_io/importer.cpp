#include "ompq/onnx_io/importer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/onnx_io/attribute_proto.h"
#include "ompq/onnx_io/function_inliner.h"
#include "ompq/onnx_io/lower_operators.h"
#include "ompq/onnx_io/model_check.h"
#include "ompq/onnx_io/model_structure.h"
#include "ompq/onnx_io/network_inputs.h"
#include "ompq/onnx_io/node_names.h"
#include "ompq/onnx_io/node_order.h"
#include "ompq/onnx_io/opset_upgrade.h"
#include "ompq/onnx_io/sub_networks.h"
#include "ompq/onnx_io/weight_check.h"

namespace ompq::onnx_io {
namespace {

namespace fs = std::filesystem;
using graph::kNoValue;
using graph::ValueId;

/// Shape inference visits both branches of an If, so that each level may double its time.
constexpr int kMaxDepth = 12;

class GraphBuilder {
 public:
  GraphBuilder(const onnx::ModelProto& model, const ImportOptions& options, const ModelPlace& place)
      : proto_(model.graph()),
        nodes_(in_order_of_use(model.graph())),
        options_(options),
        place_(place),
        names_(model.graph()) {
    own_opset_ = check_model(model, place);
    graph_.opset = std::max(own_opset_, newest_opset_note(proto_, place));
    if (!proto_.name().empty()) graph_.name = proto_.name();
    for (const auto& entry : model.metadata_props()) graph_.metadata[entry.key()] = entry.value();
    graph_.interface.domain = model.domain();
    graph_.interface.doc = model.doc_string();
    graph_.interface.graph_doc = model.graph().doc_string();
    graph_.interface.model_version = model.model_version();
  }

  graph::Graph build() {
    read_initializers();
    read_inputs();
    read_nodes();
    read_outputs();
    return finish();
  }

 private:
  /// For a sub-network, which is read as part of the outer network.
  GraphBuilder(const onnx::GraphProto& proto, const GraphBuilder& around)
      : proto_(proto),
        nodes_(in_order_of_use(proto)),
        options_(around.options_),
        place_(around.place_),
        names_(proto),
        own_opset_(around.own_opset_),
        depth_(around.depth_ + 1) {
    if (depth_ > kMaxDepth) {
      throw ImportError(place_.name,
                        fmt::format("has sub-networks (of If, Loop or Scan) that are nested more "
                                    "than {} deep; export it with fewer levels",
                                    kMaxDepth));
    }
    graph_.opset = around.graph_.opset;
    if (!proto_.name().empty()) graph_.name = proto_.name();
  }

  /// @param captured  the values of the outer network that it reads.
  graph::SubGraph build_inside(const std::vector<std::string>& captured) {
    read_initializers();
    for (const auto& info : proto_.input()) add_inner_input(info.name());
    for (const std::string& name : captured) add_inner_input(name);
    read_nodes();
    for (const auto& info : proto_.output()) graph_.mark_output(find_output(info.name()));
    return std::make_shared<const graph::Graph>(finish());
  }

  /// Declares an input whose type and shape depend on the node that runs the sub-network.
  void add_inner_input(const std::string& name) {
    require_free(name, "an input of a sub-network");
    graph_.add_open_input(name);
  }

  graph::Graph finish() {
    sort();
    settle_opsets();
    lower_operators(graph_);
    check_weights(graph_, place_);
    if (place_.source != nullptr) graph_.source_bytes = place_.source->total();
    return std::move(graph_);
  }

  void read_nodes() {
    declare_node_outputs();
    // Only nodes that run must be readable.
    std::set<const onnx::NodeProto*> live;
    if (!unreadable_.empty()) {
      for (const int index : live_nodes(proto_)) live.insert(&proto_.node(index));
    }
    for (const onnx::NodeProto* node : nodes_) {
      if (unreadable_.empty() || live.contains(node)) add_node(*node);
    }
  }

  /// Converts nodes from functions with another opset to the network's opset.
  void settle_opsets() {
    if (opset_notes_.empty()) return;
    const auto count = static_cast<graph::NodeId>(graph_.nodes().size());
    for (graph::NodeId id = 0; id < count; ++id) {
      const auto noted = opset_notes_.find(graph_.node(id).name);
      if (noted == opset_notes_.end()) continue;
      const auto why = upgrade_node(graph_, id, noted->second, graph_.opset);
      if (!why) continue;
      const graph::Node& node = graph_.node(id);
      throw ImportError(
          place_.name,
          fmt::format(
              "{} node '{}' has opset {} and no form in opset {}, which another function needs: {}",
              node.op_type,
              node.name,
              noted->second,
              graph_.opset,
              *why));
    }
    sort();
  }

  void require_free(const std::string& name, std::string_view kind) const {
    if (name.empty()) throw ImportError(place_.name, fmt::format("{} has no name", kind));
    if (graph_.find_value(name) == kNoValue) return;
    throw ImportError(place_.name,
                      fmt::format("two values are named '{}'; the second is {}", name, kind));
  }

  void add_constant(const std::string& name, Tensor tensor, std::string_view kind) {
    graph::Value value{name, tensor.type(), graph::fixed_shape(tensor.shape()), std::nullopt};
    value.constant = std::move(tensor);
    require_free(name, kind);
    graph_.add_value(std::move(value));
  }

  void read_initializers() {
    if (proto_.sparse_initializer_size() > 0) {
      throw ImportError(place_.name,
                        fmt::format("initializer '{}' is sparse; save the weights dense",
                                    proto_.sparse_initializer(0).values().name()));
    }
    for (const auto& tensor : proto_.initializer()) {
      const std::string what = fmt::format("initializer '{}'", tensor.name());
      if (!can_read(tensor.data_type())) {
        note_unreadable(tensor.name(), tensor.data_type(), what);
        continue;
      }
      add_constant(tensor.name(), read_tensor(tensor, what, place_), "an initializer");
      note_type(tensor, tensor.name());
    }
  }

  static bool can_read(int onnx_type) {
    return data_type_from_onnx(onnx_type).has_value() || narrow_bits(onnx_type) > 0;
  }

  /// Constants of unsupported types are an error only if a node that runs reads them.
  void note_unreadable(const std::string& name, int onnx_type, const std::string& what) {
    unreadable_[name] = fmt::format(
        "{} has elements of {}, which ompq does not support", what, onnx_type_name(onnx_type));
  }

  /// Records type information that the widened tensor no longer has.
  void note_type(const onnx::TensorProto& tensor, const std::string& name) {
    const ValueId id = graph_.find_value(name);
    if (const int bits = narrow_bits(tensor.data_type()); bits > 0) narrow_.emplace(id, bits);
    const auto type = data_type_from_onnx(tensor.data_type());
    if (type && widened(*type) != *type) graph_.mutable_value(id).stored = type;
  }

  /// After widening to a byte, a zero point no longer limits codes to 4 or 2 bits.
  void refuse_narrow_codes(const graph::Node& node, const onnx::NodeProto& proto) const {
    const auto narrow = narrow_.find(node.input(2));
    if (!node.is("QuantizeLinear") || narrow == narrow_.end()) return;
    throw ImportError(place_.name,
                      fmt::format("{} produces {}-bit codes, which are only supported for "
                                  "constants; quantize to 8 bits after a Clip",
                                  describe(proto),
                                  narrow->second));
  }

  void read_inputs() {
    std::set<std::string> used;
    for (const auto& info : proto_.input()) {
      // Files of IR version 3 and older list all initializers as inputs.
      const ValueId known = graph_.find_value(info.name());
      if (known != kNoValue && graph_.is_constant(known)) continue;
      if (unreadable_.contains(info.name())) continue;
      const InputDeclaration input =
          read_input(info, options_, place_, batch_axis_of(info, proto_));
      require_free(info.name(), "a network input");
      graph_.add_input(info.name(), input.type, input.shape);
      graph_.interface.inputs.push_back(read_declaration(info, "input", place_));
      input_names_.push_back(info.name());
      if (options_.input_shapes.contains(info.name())) used.insert(info.name());
      const auto& dims = info.type().tensor_type().shape().dim();
      if (!dims.empty() && !dims[0].dim_param().empty()) batch_names_.insert(dims[0].dim_param());
    }
    for (const auto& [name, shape] : options_.input_shapes) {
      if (used.contains(name)) continue;
      throw ConfigError(
          "--input-shape",
          fmt::format("a shape is given for input '{}', but the model's inputs are {}",
                      name,
                      fmt::join(input_names_, ", ")));
    }
  }

  void declare_node_outputs() {
    for (const onnx::NodeProto* entry : nodes_) {
      const onnx::NodeProto& node = *entry;
      if (node.op_type() == "Constant" && is_onnx_domain(node.domain())) {
        read_constant_node(node);
        continue;
      }
      for (const std::string& output : node.output()) {
        if (output.empty()) continue;
        require_free(output, fmt::format("an output of {}", describe(node)));
        graph_.add_value({output, DataType::Float32, std::nullopt, std::nullopt});
      }
    }
  }

  void read_constant_node(const onnx::NodeProto& node) {
    if (node.output_size() != 1 || node.attribute_size() != 1) {
      throw ImportError(place_.name,
                        fmt::format("{} has {} outputs and {} attributes; it must have one of each",
                                    describe(node),
                                    node.output_size(),
                                    node.attribute_size()));
    }
    if (const auto why = why_unreadable(node)) {
      unreadable_[node.output(0)] = *why;
      return;
    }
    add_constant(node.output(0), constant_value(node), describe(node));
    if (node.attribute(0).has_t()) note_type(node.attribute(0).t(), node.output(0));
  }

  static std::optional<std::string> why_unreadable(const onnx::NodeProto& node) {
    const auto& value = node.attribute(0);
    const bool foreign = value.has_t() && !can_read(value.t().data_type());
    if (!foreign && value.name() != "sparse_value" && !value.name().starts_with("value_string")) {
      return std::nullopt;
    }
    return fmt::format(
        "{} holds its value as '{}'{}, which ompq does not read; only dense numeric values are "
        "supported",
        describe(node),
        value.name(),
        foreign ? " of " + onnx_type_name(value.t().data_type()) : "");
  }

  Tensor constant_value(const onnx::NodeProto& node) const {
    const auto& proto = node.attribute(0);
    const graph::Attribute value = read_attribute(proto, describe(node), place_);
    if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
    if (const auto* number = std::get_if<float>(&value)) return Tensor::scalar(*number);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return Tensor::scalar(*number);
    if (const auto* numbers = std::get_if<std::vector<float>>(&value)) {
      return Tensor::from({static_cast<std::int64_t>(numbers->size())}, *numbers);
    }
    if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value)) {
      return Tensor::from({static_cast<std::int64_t>(numbers->size())}, *numbers);
    }
    throw ImportError(place_.name,
                      fmt::format("{} holds its value as '{}', which ompq does not read; only "
                                  "dense numeric values are supported",
                                  describe(node),
                                  proto.name()));
  }

  void add_node(const onnx::NodeProto& proto) {
    if (proto.op_type() == "Constant" && is_onnx_domain(proto.domain())) return;
    if (proto.op_type().empty()) {
      throw ImportError(place_.name, fmt::format("node '{}' has no operator", proto.name()));
    }
    if (proto.domain() == "ompq") {
      throw ImportError(
          place_.name,
          fmt::format("{} has the domain 'ompq', which is not allowed in files", describe(proto)));
    }
    graph::Node node;
    node.op_type = proto.op_type();
    node.domain = is_onnx_domain(proto.domain()) ? "" : proto.domain();
    for (const std::string& input : proto.input()) node.inputs.push_back(find(input, proto));
    for (const std::string& output : proto.output()) {
      node.outputs.push_back(output.empty() ? kNoValue : graph_.find_value(output));
    }
    trim(node.inputs);
    trim(node.outputs);
    for (const auto& attribute : proto.attribute()) {
      // Notes are for our own passes; a file has none but those of inlined functions.
      if (attribute.name().starts_with(graph::kNotePrefix) && attribute.name() != kOpsetNote) {
        continue;
      }
      node.attributes[attribute.name()] = read_attribute(attribute, describe(proto), place_);
    }
    if (has_read_sub_networks(proto)) read_sub_networks(proto, node);
    refuse_narrow_codes(node, proto);
    widen_type_attributes(node);
    node.name = proto.name().empty() ? names_.name_for(graph_, node) : proto.name();
    const int opset = opset_of(node);
    const graph::NodeId id = graph_.add_node(std::move(node));
    if (opset < graph_.opset) opset_notes_.emplace(graph_.node(id).name, opset);
  }

  /// Removes a node's opset note and returns the opset.
  int opset_of(graph::Node& node) const {
    const auto noted = static_cast<int>(node.int_attribute(kOpsetNote, own_opset_));
    node.attributes.erase(std::string(kOpsetNote));
    return node.domain.empty() ? noted : graph_.opset;
  }

  void read_sub_networks(const onnx::NodeProto& proto, graph::Node& node) const {
    const std::vector<std::string> captured = captured_names(proto);
    node.inputs.resize(static_cast<std::size_t>(own_operands(proto)), kNoValue);
    for (const std::string& name : captured) node.inputs.push_back(find(name, proto));
    node.attributes[std::string(graph::kCapturesNote)] = static_cast<std::int64_t>(captured.size());
    for (const auto& attribute : proto.attribute()) {
      if (!attribute.has_g()) continue;
      node.attributes[attribute.name()] = GraphBuilder(attribute.g(), *this).build_inside(captured);
    }
  }

  ValueId find(const std::string& input, const onnx::NodeProto& reader) const {
    if (input.empty()) return kNoValue;
    const auto unreadable = unreadable_.find(input);
    if (unreadable != unreadable_.end()) {
      throw ImportError(place_.name,
                        fmt::format("{}; {} reads it", unreadable->second, describe(reader)));
    }
    const ValueId id = graph_.find_value(input);
    if (id == kNoValue) {
      throw ImportError(
          place_.name,
          fmt::format(
              "{} reads '{}', which nothing in the model produces", describe(reader), input));
    }
    return id;
  }

  /// Drops trailing omitted optional operands.
  static void trim(std::vector<ValueId>& ids) {
    while (!ids.empty() && ids.back() == kNoValue) ids.pop_back();
  }

  /// Attributes that give an element type are widened like the tensors.
  static void widen_type_attributes(graph::Node& node) {
    for (const char* name : {"to", "dtype", "output_dtype", "output_datatype"}) {
      const auto found = node.attributes.find(name);
      if (found == node.attributes.end()) continue;
      auto* number = std::get_if<std::int64_t>(&found->second);
      if (number == nullptr) continue;
      const auto type = data_type_from_onnx(static_cast<int>(*number));
      if (type) *number = data_type_to_onnx(widened(*type));
    }
  }

  void sort() {
    try {
      graph_.sort();
    } catch (const ImportError& error) {
      throw ImportError(place_.name, error.reason());
    }
  }

  void read_outputs() {
    if (proto_.output().empty()) throw ImportError(place_.name, "the network has no outputs");
    for (const auto& info : proto_.output()) {
      const ValueId id = find_output(info.name());
      graph::Value declared = read_output(info, batch_names_, place_);
      graph::Value& value = graph_.mutable_value(id);
      value.type = value.constant ? value.type : declared.type;
      // Given extents may change every shape after them; shape inference sets them again.
      if (!value.shape && options_.input_shapes.empty()) value.shape = declared.shape;
      graph_.mark_output(id);
      graph_.interface.outputs.push_back(read_declaration(info, "output", place_));
    }
  }

  ValueId find_output(const std::string& name) const {
    const auto unreadable = unreadable_.find(name);
    if (unreadable != unreadable_.end()) {
      throw ImportError(place_.name, fmt::format("output '{}': {}", name, unreadable->second));
    }
    const ValueId id = graph_.find_value(name);
    if (id == kNoValue) {
      throw ImportError(place_.name, fmt::format("no node produces output '{}'", name));
    }
    return id;
  }

  static std::string describe(const onnx::NodeProto& node) {
    const std::string& name = node.name().empty() && node.output_size() > 0 ? node.output(0)  //
                                                                            : node.name();
    return fmt::format("{} node '{}'", node.op_type(), name);
  }

  const onnx::GraphProto& proto_;
  std::vector<const onnx::NodeProto*> nodes_;  ///< in an order that does not depend on the file's
  const ImportOptions& options_;
  const ModelPlace& place_;
  graph::Graph graph_;
  NodeNames names_;
  int own_opset_ = 0;                              ///< of the model's own nodes
  int depth_ = 0;                                  ///< 0 outside of all sub-networks
  std::map<std::string, int> opset_notes_;         ///< opsets of nodes with an older one, by name
  std::map<std::string, std::string> unreadable_;  ///< why a constant is not supported, by name
  std::map<ValueId, int> narrow_;                  ///< bits of constants of 4- and 2-bit types
  std::vector<std::string> input_names_;
  std::set<std::string> batch_names_;
};

std::optional<fs::path> linked_folder(const fs::path& file) {
  std::error_code code;
  if (file.empty() || !fs::is_symlink(fs::symlink_status(file, code))) return std::nullopt;
  const fs::path real = fs::canonical(file, code);
  return code ? std::nullopt : std::optional(real.parent_path());
}

}  // namespace

graph::Graph import_onnx_bytes(std::string_view bytes,
                               const fs::path& file,
                               const ImportOptions& options,
                               std::set<fs::path>* data_files) {
  SourceBytes source{.model = static_cast<std::int64_t>(bytes.size())};
  const ModelPlace place{file.empty() ? "model" : file.string(),
                         file.empty() ? std::nullopt : std::optional(file.parent_path()),
                         data_files,
                         linked_folder(file),
                         &source};
  check_structure(bytes, place);
  onnx::ModelProto model = parse_model(bytes, place);
  inline_functions(model, place);
  return GraphBuilder(model, with_sample_extents(model.graph(), options, place), place).build();
}

graph::Graph import_onnx(const fs::path& file,
                         const ImportOptions& options,
                         std::set<fs::path>* data_files) {
  return import_onnx_bytes(read_file(file), file, options, data_files);
}

}  // namespace ompq::onnx_io

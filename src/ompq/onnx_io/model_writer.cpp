#include "ompq/onnx_io/model_writer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/graph/taken_branch.h"
#include "ompq/onnx_io/attribute_proto.h"
#include "ompq/onnx_io/default_attributes.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/onnx_io/lookups.h"
#include "ompq/onnx_io/packed_bias.h"
#include "ompq/onnx_io/short_names.h"
#include "ompq/onnx_io/sink_branches.h"
#include "ompq/onnx_io/sub_graph_writer.h"
#include "ompq/onnx_io/unpack_writer.h"
#include "ompq/onnx_io/unread_attribute.h"

namespace ompq::onnx_io {
namespace {

using graph::kNoValue;
using graph::ValueId;

/// The lowest IR version that allows `opset`, which most runtimes can read; nothing that we write
/// needs more than 8.
int ir_version_for(int opset) {
  constexpr int kLast = 14;
  // The first opsets of IR versions 9 to 14.
  constexpr std::array<int, 6> kFirst{19, 21, 23, 24, 25, 28};
  int version = kLast - static_cast<int>(kFirst.size());
  for (const int first : kFirst) version += opset >= first ? 1 : 0;
  return version;
}

void write_dim(const graph::Dim& dim, onnx::TensorShapeProto::Dimension& proto) {
  if (dim.is_fixed()) {
    proto.set_dim_value(dim.size);
  } else {
    proto.set_dim_param(dim.size == 1 ? "N" : fmt::format("{}N", dim.size));
  }
}

void write_declared(const std::vector<graph::DeclaredDim>& dims, onnx::TensorShapeProto& proto) {
  for (const graph::DeclaredDim& dim : dims) {
    auto& extent = *proto.add_dim();
    if (dim.size) {
      extent.set_dim_value(*dim.size);
    } else if (!dim.name.empty()) {
      extent.set_dim_param(dim.name);
    }
  }
}

/// Type and shape of the value; the imported file's declaration has precedence for the shape.
onnx::ValueInfoProto write_value_info(const graph::Value& value,
                                      const std::vector<graph::Declaration>& declarations) {
  onnx::ValueInfoProto info;
  info.set_name(value.name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(data_type_to_onnx(value.type));
  const graph::Declaration* declared = graph::find_declaration(declarations, value.name);
  if (declared != nullptr) {
    if (declared->shape) write_declared(*declared->shape, *tensor->mutable_shape());
  } else if (value.shape) {
    tensor->mutable_shape();
    for (const graph::Dim& dim : *value.shape) write_dim(dim, *tensor->mutable_shape()->add_dim());
  }
  return info;
}

bool is_quantizer(const graph::Node& node) {
  return node.domain.empty() && (node.is("QuantizeLinear") || node.is("DequantizeLinear"));
}

/// True for weights and other constants that users look up by name.
bool is_named_constant(const graph::Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.value(id).constant->rank() == 0) return false;
  const auto readers = graph.consumers(id);
  return std::ranges::none_of(readers, [&](graph::NodeId reader) {
    const graph::Node& node = graph.node(reader);
    return is_quantizer(node) && node.input(0) != id;
  });
}

/// For each value, true if the file keeps its name.
std::vector<bool> names_to_keep(const graph::Graph& graph, Style style, bool packed) {
  std::vector<bool> keeps(graph.values().size(), style == Style::Full && !packed);
  for (const ValueId id : graph.inputs()) keeps[static_cast<std::size_t>(id)] = true;
  for (const ValueId id : graph.outputs()) keeps[static_cast<std::size_t>(id)] = true;
  for (std::size_t i = 0; !packed && i < keeps.size(); ++i) {
    keeps[i] = keeps[i] || is_named_constant(graph, static_cast<ValueId>(i));
  }
  return keeps;
}

/// Short names for the other values.
ShortNames short_names_for(const graph::Graph& graph,
                           const std::vector<bool>& keeps_name,
                           std::size_t weights) {
  const auto lookups = std::ranges::count_if(graph.nodes(), [&](const graph::Node& node) {
    return weights > 0 && node.is("Gather") && only_gathers_read(graph, node.input(0));
  });
  std::set<std::string> taken;
  for (std::size_t i = 0; i < keeps_name.size(); ++i) {
    if (keeps_name[i]) taken.insert(graph.values()[i].name);
  }
  return {std::move(taken),
          graph.values().size() + weights * UnpackWriter::kNamesPerWeight +
              static_cast<std::size_t>(lookups) * UnpackWriter::kNamesPerLookup +
              UnpackWriter::kSharedNames};
}

/// Names that the sub-networks of the model may not use.
std::set<std::string> outer_names(const graph::Graph& graph) {
  std::set<std::string> names;
  for (const graph::Value& value : graph.values()) names.insert(value.name);
  return names;
}

/// A constant of fewer bytes is not larger than the node that would produce it.
constexpr std::size_t kExpandFrom = 12;

/// True if `id` repeats the element of `scalar` often enough that an Expand node is smaller.
bool repeats(const graph::Graph& graph, ValueId id, ValueId scalar) {
  if (!graph.is_constant(id) || !graph.is_constant(scalar)) return false;
  const Tensor& many = *graph.value(id).constant;
  const Tensor& one = *graph.value(scalar).constant;
  if (many.rank() != 1 || one.rank() != 0 || many.type() != one.type()) return false;
  const auto bytes = many.bytes();
  const auto element = one.bytes();
  for (std::size_t at = 0; at < bytes.size(); at += element.size()) {
    if (!std::ranges::equal(bytes.subspan(at, element.size()), element)) return false;
  }
  return bytes.size() >= kExpandFrom;
}

class ModelWriter {
 public:
  ModelWriter(const graph::Graph& graph,
              Style style,
              const PackedWeights& packed,
              const NarrowConstants& narrow,
              const std::vector<IntegerWeight>& integer)
      : graph_(graph),
        packed_(packed),
        narrow_(narrow),
        style_(packed.empty() ? style : Style::Shortest),
        keeps_name_(names_to_keep(graph, style, !packed.empty())),
        short_names_(short_names_for(graph, keeps_name_, packed.size())),
        sub_graphs_(outer_names(graph), style_ != Style::Full),
        out_(proto(), short_names_),
        unpack_(out_) {
    for (const IntegerWeight& weight : integer) integer_.emplace(weight.levels, &weight);
  }

  onnx::ModelProto write() {
    write_header();
    for (const ValueId id : graph_.inputs()) {
      *proto().add_input() = write_value_info(graph_.value(id), graph_.interface.inputs);
    }
    write_packed();
    for (const graph::Node& node : graph_.nodes()) write_node(node);
    for (const ValueId id : graph_.outputs()) {
      use(id);
      *proto().add_output() = write_value_info(graph_.value(id), graph_.interface.outputs);
    }
    sink_branches(proto(), taken_);
    return std::move(model_);
  }

 private:
  onnx::GraphProto& proto() { return *model_.mutable_graph(); }
  [[nodiscard]] bool shortens() const { return style_ != Style::Full; }

  void write_header() {
    model_.set_ir_version(ir_version_for(graph_.opset));
    model_.set_producer_name("ompq");
    proto().set_name(graph_.name);
    const graph::Interface& interface = graph_.interface;
    if (!interface.domain.empty()) model_.set_domain(interface.domain);
    if (!interface.doc.empty()) model_.set_doc_string(interface.doc);
    if (!interface.graph_doc.empty()) proto().set_doc_string(interface.graph_doc);
    if (interface.model_version != 0) model_.set_model_version(interface.model_version);
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

  /// Writes packed weights in the order of their first use, with the biases of their first readers,
  /// and the nodes that unpack them.
  void write_packed() {
    std::vector<UnpackedWeight> weights;
    for (const graph::Node& node : graph_.nodes()) {
      for (const ValueId id : node.inputs) add_packed(id, weights);
      const auto weight = packed_of(node.input(1));
      if (weight != packed_.end()) add_bias(node, weight->second, weights);
    }
    for (const ValueId id : graph_.outputs()) add_packed(id, weights);
    unpack_.write(weights);
    for (std::size_t w = 0; w < weights.size(); ++w) {
      if (weights[w].integer != nullptr) use_unpacked(*weights[w].integer, unpack_.parts(w));
    }
  }

  PackedWeights::const_iterator packed_of(ValueId id) const {
    if (id == kNoValue) return packed_.end();
    const auto integer = integer_.find(id);
    return packed_.find(integer == integer_.end() ? graph_.value(id).name
                                                  : integer->second->weight);
  }

  /// Gives the values of an integer layer the names of what was unpacked for them.
  void use_unpacked(const IntegerWeight& weight, const UnpackWriter::Parts& parts) {
    const auto take = [&](ValueId id, const std::string& unpacked) {
      if (id == kNoValue || unpacked.empty()) return;
      names_[id] = unpacked;
      written_.insert(id);
    };
    take(weight.levels, parts.codes);
    take(weight.scale, parts.scales);
    take(weight.bias, parts.steps);
  }

  void add_packed(ValueId id, std::vector<UnpackedWeight>& weights) {
    const auto found = packed_of(id);
    if (found == packed_.end() || !written_.insert(id).second) return;
    const PackedWeight& weight = found->second;
    const auto integer = integer_.find(id);
    if (integer != integer_.end()) {
      weights.push_back({.weight = &weight, .integer = integer->second});
      if (integer->second->bias != kNoValue) {
        weights.back().steps = short_steps(*graph_.value(integer->second->bias).constant);
      }
      return;
    }
    const bool whole_bytes = weight.bits.value() == kMaxBits || weight.shape.back() % 8 == 0;
    weights.push_back({.weight = &weight,
                       .name = name(id),
                       .looked_up = whole_bytes && only_gathers_read(graph_, id)});
  }

  void add_bias(const graph::Node& node,
                const PackedWeight& weight,
                std::vector<UnpackedWeight>& weights) {
    UnpackedWeight& unpacked = weights.back();
    if (unpacked.weight != &weight || unpacked.bias != nullptr || unpacked.integer != nullptr) {
      return;
    }
    std::optional<PackedBias> bias = pack_bias(graph_, node, weight);
    if (!bias) return;
    use(bias->activation_scale);
    unpacked.activation_scale = name(bias->activation_scale);
    unpacked.bias_name = name(bias->bias);
    written_.insert(bias->bias);
    unpacked.bias = &biases_.emplace_back(std::move(*bias));
  }

  /// Writes a dequantizer's repeated scale or zero point as an Expand of the quantizer's single
  /// one.
  void use_repeated(const graph::Node& node, std::size_t input) {
    if (style_ != Style::Shortest || !node.is("DequantizeLinear")) return;
    const graph::NodeId maker = graph_.producer(node.input(0));
    const ValueId many = node.input(input);
    if (maker == graph::kNoNode) return;
    const ValueId one = graph_.node(maker).input(input);
    if (!repeats(graph_, many, one) || !written_.insert(many).second) return;
    use(one);
    const std::vector<std::int64_t> shape{graph_.value(many).constant->elements()};
    (void)out_.add_node("Expand", {name(one), out_.shared(shape)}, name(many));
  }

  /// Writes an embedding whose table is packed by rows. The last node gets the embedding's name.
  bool write_lookup(const graph::Node& node) {
    if (!node.is("Gather") || packed_of(node.input(0)) == packed_.end()) return false;
    const std::string table = name(node.input(0));
    if (!unpack_.has_rows(table)) return false;
    const ValueId indices = node.inputs[1];
    unpack_.write_lookup(
        table, name(indices), graph_.value(indices).shape->size(), name(node.outputs[0]));
    proto().mutable_node(proto().node_size() - 1)->set_name(node.name);
    return true;
  }

  void write_node(const graph::Node& node) {
    check(node);
    if (write_lookup(node)) return;
    use_repeated(node, 1);
    use_repeated(node, 2);
    for (const ValueId id : node.inputs) use(id);
    onnx::NodeProto& out = *proto().add_node();
    if (!shortens() || !is_quantizer(node)) out.set_name(node.name);
    out.set_op_type(node.op_type);
    if (!node.domain.empty()) out.set_domain(node.domain);
    // Sub-networks read captured values by name, not as operands.
    const auto captures = static_cast<std::size_t>(node.int_attribute(graph::kCapturesNote, 0));
    const std::size_t own = node.inputs.size() - captures;
    std::vector<std::string> captured;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (i < own) out.add_input(name(node.inputs[i]));
      if (i >= own) captured.push_back(name(node.inputs[i]));
    }
    for (const ValueId id : node.outputs) {
      out.add_output(name(id));
    }
    if (node.has_attribute(graph::kTakenNote)) {
      taken_.push_back({out.output(0), node.int_attribute(graph::kTakenNote, 0) != 0});
    }
    for (const auto& [name, attribute] : node.attributes) {
      // Notes of our passes are not ONNX attributes; a runtime would refuse the node.
      if (name.starts_with(graph::kNotePrefix)) continue;
      if (shortens() && is_default_attribute(graph_, node, name)) continue;
      onnx::AttributeProto& written = *out.add_attribute() = write_attribute(name, attribute);
      const auto* inside = std::get_if<graph::SubGraph>(&attribute);
      if (inside != nullptr) *written.mutable_g() = sub_graphs_.write(node, **inside, captured);
    }
  }

  static void check(const graph::Node& node) {
    if (node.domain == "ompq") {
      throw InternalError(
          "export",
          fmt::format(
              "node '{}' is the fused {}, which ONNX does not have", node.name, node.op_type));
    }
    for (const auto& [name, attribute] : node.attributes) {
      const auto* text = std::get_if<std::string>(&attribute);
      if (text == nullptr || *text != kUnreadAttribute) continue;
      throw UnsupportedOp("export",
                          fmt::format("{} node '{}' has a sub-network or type in '{}', which was "
                                      "not read and cannot be written",
                                      node.op_type,
                                      node.name,
                                      name));
    }
  }

  /// Writes a constant when it is first used.
  void use(ValueId id) {
    if (!graph_.is_constant(id) || !written_.insert(id).second) return;
    const graph::Value& value = graph_.value(id);
    const auto narrow = narrow_.find(value.name);
    *proto().add_initializer() =
        narrow != narrow_.end() ? write_narrow_tensor(*value.constant, name(id), narrow->second)
                                : write_tensor(*value.constant, name(id));
  }

  std::string name(ValueId id) {
    if (id == kNoValue) return "";
    if (keeps_name_[static_cast<std::size_t>(id)]) return graph_.value(id).name;
    std::string& given = names_[id];
    if (given.empty()) given = short_names_.fresh();
    return given;
  }

  const graph::Graph& graph_;
  const PackedWeights& packed_;
  const NarrowConstants& narrow_;
  onnx::ModelProto model_;
  Style style_;
  std::vector<bool> keeps_name_;
  ShortNames short_names_;
  SubGraphWriter sub_graphs_;
  ProtoWriter out_;
  UnpackWriter unpack_;
  std::deque<PackedBias> biases_;
  std::map<ValueId, const IntegerWeight*> integer_;  ///< by levels
  std::map<ValueId, std::string> names_;
  std::set<ValueId> written_;
  std::vector<TakenBranch> taken_;
};

}  // namespace

onnx::ModelProto write_model(const graph::Graph& graph,
                             Style style,
                             const PackedWeights& packed,
                             const NarrowConstants& narrow,
                             const std::vector<IntegerWeight>& integer) {
  return ModelWriter(graph, style, packed, narrow, integer).write();
}

}  // namespace ompq::onnx_io

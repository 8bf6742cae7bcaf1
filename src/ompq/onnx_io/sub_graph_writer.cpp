#include "ompq/onnx_io/sub_graph_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/onnx_io/attribute_proto.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {
namespace {

using graph::kNoValue;
using graph::ValueId;

/// Input types follow from the operator, but runtimes require those of a Loop's count and
/// condition.
onnx::ValueInfoProto write_input(const graph::Node& node,
                                 std::size_t place,
                                 const std::string& name) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  if (!node.is("Loop") || place > 1) return info;
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(data_type_to_onnx(place == 0 ? DataType::Int64 : DataType::Bool));
  tensor->mutable_shape();
  return info;
}

std::string& name_at(std::vector<std::string>& names, ValueId id) {
  return names[static_cast<std::size_t>(id)];
}

}  // namespace

std::string SubGraphWriter::fresh(const std::string& wanted) {
  std::string name = compact_ ? fmt::format("_{}", next_++) : wanted;
  while (!taken_.insert(name).second) name = fmt::format("{}_{}", wanted, next_++);
  return name;
}

onnx::GraphProto SubGraphWriter::write(const graph::Node& node,
                                       const graph::Graph& inside,
                                       const std::vector<std::string>& captured) {
  onnx::GraphProto proto;
  proto.set_name(inside.name);
  std::vector<std::string> names(inside.values().size());
  const std::size_t own = inside.inputs().size() - captured.size();
  for (std::size_t i = 0; i < inside.inputs().size(); ++i) {
    std::string& name = name_at(names, inside.inputs()[i]);
    name = i < own ? fresh(inside.value(inside.inputs()[i]).name) : captured[i - own];
    if (i < own) *proto.add_input() = write_input(node, i, name);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const graph::Value& value = inside.values()[i];
    if (names[i].empty()) names[i] = fresh(value.name);
    const auto id = static_cast<ValueId>(i);
    const bool read = !inside.consumers(id).empty() || inside.is_output(id);
    if (value.constant && read) *proto.add_initializer() = write_tensor(*value.constant, names[i]);
  }
  for (const graph::Node& inner : inside.nodes()) write_node(inner, names, proto);
  for (const ValueId id : inside.outputs()) {
    std::string name = name_at(names, id);
    const bool given = std::find(captured.begin(), captured.end(), name) != captured.end();
    if (given) {  // an outer value cannot be an output of the sub-network
      onnx::NodeProto& copy = *proto.add_node();
      copy.set_op_type("Identity");
      copy.add_input(name);
      name = fresh(name);
      copy.add_output(name);
    }
    proto.add_output()->set_name(name);
  }
  return proto;
}

void SubGraphWriter::write_node(const graph::Node& node,
                                std::vector<std::string>& names,
                                onnx::GraphProto& proto) {
  onnx::NodeProto& out = *proto.add_node();
  out.set_name(node.name);
  out.set_op_type(node.op_type);
  if (!node.domain.empty()) out.set_domain(node.domain);
  const auto captures = static_cast<std::size_t>(node.int_attribute(graph::kCapturesNote, 0));
  const std::size_t own = node.inputs.size() - captures;
  std::vector<std::string> captured;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string name = node.inputs[i] == kNoValue ? "" : name_at(names, node.inputs[i]);
    if (i < own) out.add_input(name);
    if (i >= own) captured.push_back(name);
  }
  for (const ValueId id : node.outputs) out.add_output(id == kNoValue ? "" : name_at(names, id));
  for (const auto& [name, attribute] : node.attributes) {
    if (name.starts_with(graph::kNotePrefix)) continue;
    onnx::AttributeProto& written = *out.add_attribute() = write_attribute(name, attribute);
    const auto* deeper = std::get_if<graph::SubGraph>(&attribute);
    if (deeper != nullptr) *written.mutable_g() = write(node, **deeper, captured);
  }
}

}  // namespace ompq::onnx_io

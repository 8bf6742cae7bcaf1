#include "ompq/onnx_io/attribute_proto.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/unread_attribute.h"

namespace ompq::onnx_io {
namespace {

using onnx::AttributeProto;

/// Files older than IR version 2 omit the type; it follows from the field that is set.
int type_of(const AttributeProto& proto) {
  if (proto.type() != AttributeProto::UNDEFINED) return proto.type();
  if (proto.has_f()) return AttributeProto::FLOAT;
  if (proto.has_i()) return AttributeProto::INT;
  if (proto.has_s()) return AttributeProto::STRING;
  if (proto.has_t()) return AttributeProto::TENSOR;
  if (proto.floats_size() > 0) return AttributeProto::FLOATS;
  if (proto.strings_size() > 0) return AttributeProto::STRINGS;
  if (proto.has_g() || proto.graphs_size() > 0) return AttributeProto::GRAPH;
  return AttributeProto::INTS;
}

template <typename List>
auto copy(const List& list) {
  return std::vector<typename List::value_type>(list.begin(), list.end());
}

struct AttributeWriter {
  AttributeProto& proto;

  void operator()(std::int64_t value) const {
    proto.set_type(AttributeProto::INT);
    proto.set_i(value);
  }
  void operator()(float value) const {
    proto.set_type(AttributeProto::FLOAT);
    proto.set_f(value);
  }
  void operator()(const std::string& value) const {
    proto.set_type(AttributeProto::STRING);
    proto.set_s(value);
  }
  void operator()(const Tensor& value) const {
    proto.set_type(AttributeProto::TENSOR);
    *proto.mutable_t() = write_tensor(value, "");
    proto.mutable_t()->clear_name();
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    proto.set_type(AttributeProto::INTS);
    proto.mutable_ints()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    proto.set_type(AttributeProto::FLOATS);
    proto.mutable_floats()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    proto.set_type(AttributeProto::STRINGS);
    for (const std::string& value : values) proto.add_strings(value);
  }
  /// Left empty: its names depend on the outer network, see SubGraphWriter.
  void operator()(const graph::SubGraph&) const { proto.set_type(AttributeProto::GRAPH); }
};

}  // namespace

graph::Attribute read_attribute(const AttributeProto& proto,
                                const std::string& node,
                                const ModelPlace& place) {
  if (!proto.ref_attr_name().empty()) {
    throw ImportError(place.name,
                      fmt::format("attribute '{}' of {} refers to a function's parameter '{}' "
                                  "outside of a function",
                                  proto.name(),
                                  node,
                                  proto.ref_attr_name()));
  }
  switch (type_of(proto)) {
    case AttributeProto::FLOAT:
      return proto.f();
    case AttributeProto::INT:
      return static_cast<std::int64_t>(proto.i());
    case AttributeProto::STRING:
      return proto.s();
    case AttributeProto::TENSOR:
      return read_tensor(proto.t(), fmt::format("attribute '{}' of {}", proto.name(), node), place);
    case AttributeProto::FLOATS:
      return copy(proto.floats());
    case AttributeProto::INTS:
      return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
    case AttributeProto::STRINGS:
      return copy(proto.strings());
    default:
      return std::string(kUnreadAttribute);
  }
}

AttributeProto write_attribute(const std::string& name, const graph::Attribute& attribute) {
  AttributeProto proto;
  proto.set_name(name);
  std::visit(AttributeWriter{proto}, attribute);
  return proto;
}

}  // namespace ompq::onnx_io

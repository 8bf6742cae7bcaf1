#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "ompq/onnx_io/short_names.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Appends generated constants and nodes to a graph in few bytes: short value names, no node names.
class ProtoWriter {
 public:
  /// @param out receives nodes and initializers.
  /// @param names  source of the values' names.
  ProtoWriter(onnx::GraphProto& out, ShortNames& names) : out_(out), names_(names) {}

  [[nodiscard]] std::string fresh_name() { return names_.fresh(); }

  /// Adds a new constant.
  std::string own(const Tensor& tensor);
  /// Adds a constant, or reuses one with the same content.
  std::string shared(const Tensor& tensor);
  /// The same for shapes, sizes and indices.
  std::string shared(const std::vector<std::int64_t>& values);

  /// @param output  the name of the result; a new one if empty.
  /// @return the name of the result.
  std::string add_node(const char* op_type,
                       std::initializer_list<std::string> inputs,
                       const std::string& output = "");
  std::string add_cast(const std::string& input, DataType type);
  /// Splits a value along an axis. @return a name for each of `sizes`.
  std::vector<std::string> add_split(const std::string& input,
                                     const std::vector<std::int64_t>& sizes,
                                     std::int64_t axis = 0);

 private:
  onnx::AttributeProto& add_attribute(const char* name, onnx::AttributeProto::AttributeType type);

  onnx::GraphProto& out_;
  ShortNames& names_;
  std::map<std::string, std::string> shared_;  // serialized content -> name
};

}  // namespace ompq::onnx_io

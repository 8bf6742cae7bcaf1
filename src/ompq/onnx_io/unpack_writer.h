#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ompq/onnx_io/packed_weight.h"
#include "ompq/onnx_io/short_names.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Writes packed weights and the nodes that unpack them, in as few bytes as plain ONNX allows:
///
///     planes [b, M] --BitShift right by [8, 1, 1] = 0..7--> [8, b, M] --Mod 2--> --Cast float-->
///     --MatMul [1, 2, ..., -2^(b-1)]--> [8, M] --Reshape--> [--Sub zero point-->] --Mul scale-->
///
/// (M x 8 > N: flattened and cut to N elements before the Reshape. 8 bits: Cast, [Sub], Mul.) All
/// operands but planes, scale and zero point are shared between weights; names are
/// all of one length, so that a weight's cost does not depend on the others. Every operator
/// is exact on these numbers, so the runtime may fold or run it as it likes.
class UnpackWriter {
 public:
  /// Names that one weight may need, and those for all weights together.
  static constexpr std::size_t kNamesPerWeight = 14;
  static constexpr std::size_t kSharedNames = 16;

  /// @param out receives nodes and initializers.
  /// @param names gives all values their names.
  UnpackWriter(onnx::GraphProto& out, ShortNames& names) : out_(out), names_(names) {}

  /// Appends what makes `weight` a value of that name.
  void write(const PackedWeight& weight, const std::string& name);

 private:
  /// A constant that several weights may use: written once, by content.
  std::string shared(const Tensor& tensor);
  std::string own(const Tensor& tensor);
  std::string add_node(const char* op_type, std::initializer_list<std::string> inputs);
  onnx::NodeProto& last_node();
  std::string cast_to_float(const std::string& input);
  std::string write_planes(const PackedWeight& weight);
  std::string write_elements(const PackedWeight& weight);

  onnx::GraphProto& out_;
  ShortNames& names_;
  std::map<std::string, std::string> shared_;  // serialized content -> name
};

}  // namespace ompq::onnx_io

#include "ompq/onnx_io/unpack_writer.h"

namespace ompq::onnx_io {
namespace {

/// [1, 2, ..., 2^(b-2), -2^(b-1)]: what each bit of a two's complement number stands for.
Tensor plane_values(BitWidth bits) {
  std::vector<float> values;
  for (int p = 0; p < bits.value(); ++p) values.push_back(static_cast<float>(1 << p));
  values.back() = -values.back();
  return Tensor::from({bits.value()}, values);
}

Tensor shifts() {
  return Tensor::from({8, 1, 1}, std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

Tensor int64_vector(const std::vector<std::int64_t>& values) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

std::string UnpackWriter::own(const Tensor& tensor) {
  const std::string name = names_.fresh();
  *out_.add_initializer() = write_tensor(tensor, name);
  return name;
}

std::string UnpackWriter::shared(const Tensor& tensor) {
  const std::string content = write_tensor(tensor, "").SerializeAsString();
  const auto found = shared_.find(content);
  if (found != shared_.end()) return found->second;
  return shared_[content] = own(tensor);
}

std::string UnpackWriter::add_node(const char* op_type, std::initializer_list<std::string> inputs) {
  onnx::NodeProto& node = *out_.add_node();
  node.set_op_type(op_type);
  for (const std::string& input : inputs) node.add_input(input);
  const std::string output = names_.fresh();
  node.add_output(output);
  return output;
}

onnx::NodeProto& UnpackWriter::last_node() { return *out_.mutable_node(out_.node_size() - 1); }

std::string UnpackWriter::cast_to_float(const std::string& input) {
  const std::string output = add_node("Cast", {input});
  onnx::AttributeProto& to = *last_node().add_attribute();
  to.set_name("to");
  to.set_type(onnx::AttributeProto::INT);
  to.set_i(onnx::TensorProto::FLOAT);
  return output;
}

/// The signed codes as float32 in the weight's shape, from fewer than 8 bits.
std::string UnpackWriter::write_planes(const PackedWeight& weight) {
  const std::int64_t bits = weight.bits.value();
  const auto bytes_per_plane = static_cast<std::int64_t>(weight.planes.size()) / bits;
  const std::int64_t count = element_count(weight.shape);
  const std::string planes = own(Tensor::from_bytes(
      DataType::UInt8, {bits, bytes_per_plane}, std::as_bytes(std::span(weight.planes))));
  const std::string shifted = add_node("BitShift", {planes, shared(shifts())});
  onnx::AttributeProto& direction = *last_node().add_attribute();
  direction.set_name("direction");
  direction.set_type(onnx::AttributeProto::STRING);
  direction.set_s("RIGHT");
  const std::string bit = add_node("Mod", {shifted, shared(Tensor::scalar<std::uint8_t>(2))});
  std::string codes = add_node("MatMul", {shared(plane_values(weight.bits)), cast_to_float(bit)});
  if (count % 8 != 0) {
    codes = add_node("Reshape", {codes, shared(int64_vector({-1}))});
    codes = add_node("Slice", {codes, shared(int64_vector({0})), shared(int64_vector({count}))});
  }
  return add_node("Reshape", {codes, shared(int64_vector(weight.shape))});
}

/// The same from 8 bits, which need no unpacking.
std::string UnpackWriter::write_elements(const PackedWeight& weight) {
  return cast_to_float(own(
      Tensor::from_bytes(DataType::Int8, weight.shape, std::as_bytes(std::span(weight.planes)))));
}

void UnpackWriter::write(const PackedWeight& weight, const std::string& name) {
  std::string codes = weight.bits.value() == 8 ? write_elements(weight) : write_planes(weight);
  if (weight.has_zero_point) {
    codes = add_node("Sub", {codes, cast_to_float(own(weight.zero_point))});
  }
  (void)add_node("Mul", {codes, own(weight.scale)});
  last_node().set_output(0, name);
}

}  // namespace ompq::onnx_io

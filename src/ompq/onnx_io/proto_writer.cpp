#include "ompq/onnx_io/proto_writer.h"

namespace ompq::onnx_io {

std::string ProtoWriter::own(const Tensor& tensor) {
  const std::string name = fresh_name();
  *out_.add_initializer() = write_tensor(tensor, name);
  return name;
}

std::string ProtoWriter::shared(const Tensor& tensor) {
  const std::string content = write_tensor(tensor, "").SerializeAsString();
  const auto found = shared_.find(content);
  if (found != shared_.end()) return found->second;
  return shared_[content] = own(tensor);
}

std::string ProtoWriter::shared(const std::vector<std::int64_t>& values) {
  return shared(Tensor::from({static_cast<std::int64_t>(values.size())}, values));
}

std::string ProtoWriter::add_node(const char* op_type,
                                  std::initializer_list<std::string> inputs,
                                  const std::string& output) {
  onnx::NodeProto& node = *out_.add_node();
  node.set_op_type(op_type);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output.empty() ? fresh_name() : output);
  return node.output(0);
}

onnx::AttributeProto& ProtoWriter::add_attribute(const char* name,
                                                 onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute =
      *out_.mutable_node(out_.node_size() - 1)->add_attribute();  // of the node added last
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

std::string ProtoWriter::add_cast(const std::string& input, DataType type) {
  std::string output = add_node("Cast", {input});
  add_attribute("to", onnx::AttributeProto::INT).set_i(data_type_to_onnx(type));
  return output;
}

std::vector<std::string> ProtoWriter::add_split(const std::string& input,
                                                const std::vector<std::int64_t>& sizes,
                                                std::int64_t axis) {
  std::vector<std::string> names{add_node("Split", {input, shared(sizes)})};
  onnx::NodeProto& node = *out_.mutable_node(out_.node_size() - 1);
  while (names.size() < sizes.size()) {
    names.push_back(fresh_name());
    node.add_output(names.back());
  }
  if (axis != 0) add_attribute("axis", onnx::AttributeProto::INT).set_i(axis);
  return names;
}

}  // namespace ompq::onnx_io

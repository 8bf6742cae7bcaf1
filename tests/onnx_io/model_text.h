#pragma once

#include <stdexcept>
#include <string>

#include <google/protobuf/text_format.h>
#include <onnx/onnx_pb.h>

namespace ompq::testing {

/// A model in protobuf's text form.
[[nodiscard]] inline onnx::ModelProto model_from_text(const std::string& text) {
  onnx::ModelProto model;
  if (!google::protobuf::TextFormat::ParseFromString(text, &model)) {
    throw std::logic_error("the test's model does not parse:\n" + text);
  }
  return model;
}

/// A float tensor type with the given dims, e.g. `dim { dim_param: "N" } dim { dim_value: 3 }`.
[[nodiscard]] inline std::string tensor_type(const std::string& dims, int elem_type = 1) {
  return "type { tensor_type { elem_type: " + std::to_string(elem_type) + " shape { " + dims +
         " } } }";
}

/// A model of opset 13 around the inside of a graph.
[[nodiscard]] inline onnx::ModelProto model_with_graph(const std::string& graph, int opset = 13) {
  return model_from_text("ir_version: 7 opset_import { version: " + std::to_string(opset) +
                         " } graph { name: \"net\" " + graph + " }");
}

/// x [N, 2] -> Gemm with w [2, 3] -> y, for tests that break one thing in it.
[[nodiscard]] inline onnx::ModelProto sound_model() {
  return model_with_graph(R"(
    input { name: "x" )" + tensor_type(R"(dim { dim_param: "N" } dim { dim_value: 2 })") +
                          R"( }
    output { name: "y" )" +
                          tensor_type(R"(dim { dim_param: "N" } dim { dim_value: 3 })") + R"( }
    initializer { name: "w" data_type: 1 dims: 2 dims: 3
                  float_data: [1, 2, 3, 4, 5, 6] }
    node { name: "fc" op_type: "Gemm" input: "x" input: "w" output: "y" })");
}

}  // namespace ompq::testing

#include "ompq/onnx_io/proto_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using ::testing::ElementsAre;

/// A model of opset 13 that a ProtoWriter appends to.
struct Generated {
  onnx::ModelProto model;
  ShortNames names{{"taken"}, 60};
  ProtoWriter writer{*model.mutable_graph(), names};

  Generated() {
    model.set_ir_version(8);
    model.add_opset_import()->set_version(13);
    model.mutable_graph()->set_name("generated");
  }
  [[nodiscard]] const onnx::GraphProto& graph() const { return model.graph(); }
  void mark_output(const std::string& name, DataType type) {
    auto& output = *model.mutable_graph()->add_output();
    output.set_name(name);
    output.mutable_type()->mutable_tensor_type()->set_elem_type(data_type_to_onnx(type));
  }
};

TEST(ProtoWriter, AddsOwnConstantsEachTime) {
  Generated made;
  const std::string first = made.writer.own(Tensor::scalar(1.0F));
  const std::string second = made.writer.own(Tensor::scalar(1.0F));
  EXPECT_NE(first, second);
  ASSERT_EQ(made.graph().initializer_size(), 2);
  EXPECT_EQ(made.graph().initializer(0).name(), first);
  EXPECT_EQ(made.graph().initializer(1).name(), second);
}

TEST(ProtoWriter, SharesConstantsOfEqualTypeShapeAndBytes) {
  Generated made;
  const std::string one = made.writer.shared(Tensor::scalar(1.0F));
  EXPECT_EQ(made.writer.shared(Tensor::scalar(1.0F)), one);
  EXPECT_NE(made.writer.shared(Tensor::scalar(2.0F)), one);
  EXPECT_NE(made.writer.shared(Tensor::from<float>({1}, {1.0F})), one) << "another shape";
  EXPECT_NE(made.writer.shared(Tensor::scalar(std::int32_t{0x3f800000})), one) << "another type";
  EXPECT_NE(made.writer.own(Tensor::scalar(1.0F)), one);
  const std::string sizes = made.writer.shared({3, 4});
  EXPECT_EQ(made.writer.shared(Tensor::from<std::int64_t>({2}, {3, 4})), sizes);
  EXPECT_EQ(made.graph().initializer_size(), 6);
}

TEST(ProtoWriter, NamesResultsAndNotNodes) {
  Generated made;
  const std::string first = made.writer.add_node("Add", {"a", "b"});
  EXPECT_EQ(made.writer.add_node("Neg", {first}, "weight"), "weight");
  ASSERT_EQ(made.graph().node_size(), 2);
  EXPECT_FALSE(made.graph().node(0).has_name());
  EXPECT_EQ(made.graph().node(0).op_type(), "Add");
  EXPECT_THAT(made.graph().node(0).input(), ElementsAre("a", "b"));
  EXPECT_THAT(made.graph().node(0).output(), ElementsAre(first));
  EXPECT_THAT(made.graph().node(1).output(), ElementsAre("weight"));
  EXPECT_NE(made.writer.fresh_name(), first);
}

TEST(ProtoWriter, WritesNodesThatOnnxRuntimeRuns) {
  OMPQ_JUDGE_OR_SKIP();
  Generated made;
  const std::string bytes = made.writer.own(Tensor::from<std::uint8_t>({4}, {255, 16, 3, 4}));
  const std::string numbers = made.writer.add_cast(bytes, DataType::Int32);
  const std::string four = made.writer.shared(Tensor::scalar(std::int32_t{4}));
  const std::string divided = made.writer.add_node("Div", {numbers, four});
  const auto parts =
      made.writer.add_split(made.writer.add_cast(divided, DataType::Float32), {1, 3});
  ASSERT_EQ(parts.size(), 2U);
  for (const std::string& part : parts) made.mark_output(part, DataType::Float32);
  const auto outputs = testing::run_bytes_in_onnxruntime(made.model.SerializeAsString(), {});
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_THAT(outputs[0].data<float>(), ElementsAre(63));
  EXPECT_THAT(outputs[1].data<float>(), ElementsAre(4, 0, 1));
}

}  // namespace
}  // namespace ompq::onnx_io

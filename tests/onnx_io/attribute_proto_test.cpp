#include "ompq/onnx_io/attribute_proto.h"

#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/unread_attribute.h"

namespace ompq::onnx_io {
namespace {

using graph::Attribute;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ModelPlace kAttributePlace{.name = "net.onnx"};

onnx::AttributeProto attribute_from(const std::string& text) {
  onnx::AttributeProto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: \"a\" " + text, &proto)) << text;
  return proto;
}

template <typename T>
T read_as(const std::string& text) {
  return std::get<T>(read_attribute(attribute_from(text), "Conv node 'c'", kAttributePlace));
}

TEST(ReadAttribute, ReadsEveryType) {
  EXPECT_EQ(read_as<std::int64_t>("type: INT i: -3"), -3);
  EXPECT_EQ(read_as<float>("type: FLOAT f: 0.5"), 0.5F);
  EXPECT_EQ(read_as<std::string>("type: STRING s: \"a\\000b\""), std::string("a\0b", 3));
  EXPECT_THAT(read_as<std::vector<std::int64_t>>("type: INTS ints: [1, -2]"), ElementsAre(1, -2));
  EXPECT_THAT(read_as<std::vector<std::int64_t>>("type: INTS"), IsEmpty());
  EXPECT_THAT(read_as<std::vector<float>>("type: FLOATS floats: [1, 2]"), ElementsAre(1, 2));
  EXPECT_THAT(read_as<std::vector<std::string>>("type: STRINGS strings: [\"\", \"b\"]"),
              ElementsAre("", "b"));
}

TEST(ReadAttribute, WidensTensors) {
  const Tensor tensor =
      read_as<Tensor>("type: TENSOR t { data_type: 11 dims: 2 double_data: [1, 0.5] }");
  EXPECT_TRUE(tensor.equals(Tensor::from<float>({2}, {1, 0.5F})));
}

TEST(ReadAttribute, FollowsTheFieldIfAnOldFileHasNoType) {
  EXPECT_EQ(read_as<float>("f: 2.5"), 2.5F);
  EXPECT_EQ(read_as<std::int64_t>("i: 4"), 4);
  EXPECT_EQ(read_as<std::string>("s: \"x\""), "x");
  EXPECT_EQ(read_as<Tensor>("t { data_type: 1 dims: 0 }").elements(), 0);
  EXPECT_THAT(read_as<std::vector<float>>("floats: 1"), ElementsAre(1));
  EXPECT_THAT(read_as<std::vector<std::string>>("strings: \"x\""), ElementsAre("x"));
  EXPECT_THAT(read_as<std::vector<std::int64_t>>("ints: [1, 2]"), ElementsAre(1, 2));
  EXPECT_EQ(read_as<std::string>("g { name: \"inside\" }"), kUnreadAttribute);
}

TEST(ReadAttribute, LeavesAPlaceholderForWhatAGraphCannotHold) {
  for (const char* text : {"type: GRAPH g { name: \"inside\" }",
                           "type: GRAPHS graphs { name: \"inside\" }",
                           "type: TENSORS tensors { data_type: 1 }",
                           "type: SPARSE_TENSOR",
                           "type: TYPE_PROTO"}) {
    EXPECT_EQ(read_as<std::string>(text), kUnreadAttribute) << text;
  }
}

std::string attribute_refusal(const std::string& text) {
  try {
    (void)read_attribute(attribute_from(text), "Conv node 'c'", kAttributePlace);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ReadAttribute, NamesTheNodeOfWhatItCannotRead) {
  EXPECT_THAT(attribute_refusal("type: INT ref_attr_name: \"alpha\""),
              AllOf(HasSubstr("[net.onnx] attribute 'a' of Conv node 'c'"),
                    HasSubstr("refers to a function's parameter 'alpha'")));
  EXPECT_THAT(attribute_refusal("type: TENSOR t { data_type: 8 }"),
              HasSubstr("attribute 'a' of Conv node 'c' has elements of string"));
}

TEST(WriteAttribute, IsReadBackAndStatesItsType) {
  const std::pair<Attribute, onnx::AttributeProto::AttributeType> rows[] = {
      {std::int64_t{-3}, onnx::AttributeProto::INT},
      {0.1F, onnx::AttributeProto::FLOAT},
      {std::string("a\0b", 3), onnx::AttributeProto::STRING},
      {std::vector<std::int64_t>{}, onnx::AttributeProto::INTS},
      {std::vector<std::int64_t>{-1, 7}, onnx::AttributeProto::INTS},
      {std::vector<float>{1, -0.5F}, onnx::AttributeProto::FLOATS},
      {std::vector<std::string>{"", "b"}, onnx::AttributeProto::STRINGS}};
  for (const auto& [attribute, type] : rows) {
    const onnx::AttributeProto written = write_attribute("a", attribute);
    EXPECT_EQ(written.name(), "a");
    EXPECT_EQ(written.type(), type);
    const Attribute read = read_attribute(written, "node", kAttributePlace);
    EXPECT_EQ(read.index(), attribute.index());
    EXPECT_EQ(write_attribute("a", read).SerializeAsString(), written.SerializeAsString());
  }
}

TEST(WriteAttribute, GivesTensorsNoName) {
  const Tensor tensor = Tensor::from<std::int64_t>({2}, {-1, 7});
  const onnx::AttributeProto written = write_attribute("value", tensor);
  EXPECT_EQ(written.type(), onnx::AttributeProto::TENSOR);
  EXPECT_FALSE(written.t().has_name());
  const Attribute read = read_attribute(written, "node", kAttributePlace);
  EXPECT_TRUE(std::get<Tensor>(read).equals(tensor));
}

TEST(WriteAttribute, LeavesSubNetworksEmpty) {
  const auto inside = std::make_shared<graph::Graph>();
  const onnx::AttributeProto written = write_attribute("body", graph::SubGraph(inside));
  EXPECT_EQ(written.type(), onnx::AttributeProto::GRAPH);
  EXPECT_EQ(written.g().node_size(), 0);
}

}  // namespace
}  // namespace ompq::onnx_io

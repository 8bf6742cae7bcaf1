#include "ompq/onnx_io/model_structure.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "support/peak_memory.h"
#include "support/sanitizers.h"

namespace ompq::onnx_io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::sound_model;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

struct Refusal {
  std::string message = "nothing was thrown";
  std::int64_t peak = 0;
};

Refusal refusal_of(const std::string& bytes) {
  Refusal refusal;
  refusal.peak = testing::peak_growth([&] {
    try {
      (void)import_onnx_bytes(bytes, "net.onnx");
    } catch (const ImportError& error) {
      refusal.message = error.what();
    }
  });
  return refusal;
}

Refusal refusal_after(const std::function<void(onnx::ModelProto&)>& damage) {
  onnx::ModelProto model = sound_model();
  damage(model);
  return refusal_of(model.SerializeAsString());
}

TEST(CheckStructure, RefusesLongNamesOfEveryKind) {
  const std::string name(20 * kMiB, 'n');
  const std::vector<std::pair<std::string, std::function<void(onnx::ModelProto&)>>> kinds{
      {"NodeProto has the name",
       [&](auto& m) { m.mutable_graph()->mutable_node(0)->set_name(name); }},
      {"NodeProto has the op_type",
       [&](auto& m) { m.mutable_graph()->mutable_node(0)->set_op_type(name); }},
      {"NodeProto has the output",
       [&](auto& m) { m.mutable_graph()->mutable_node(0)->set_output(0, name); }},
      {"TensorProto has the name",
       [&](auto& m) { m.mutable_graph()->mutable_initializer(0)->set_name(name); }},
      {"ValueInfoProto has the name",
       [&](auto& m) { m.mutable_graph()->mutable_input(0)->set_name(name); }},
      {"GraphProto has the name", [&](auto& m) { m.mutable_graph()->set_name(name); }},
      {"AttributeProto has the name",
       [&](auto& m) { m.mutable_graph()->mutable_node(0)->add_attribute()->set_name(name); }},
      {"StringStringEntryProto has the key",
       [&](auto& m) { m.add_metadata_props()->set_key(name); }},
  };
  for (const auto& [what, damage] : kinds) {
    const Refusal refusal = refusal_after(damage);
    EXPECT_THAT(refusal.message,
                AllOf(HasSubstr("[net.onnx] a " + what + " 'nnn"),
                      HasSubstr("...' of 20971520 bytes; the limit is 65536")));
    EXPECT_LT(refusal.message.size(), 300U);
    EXPECT_LT(refusal.peak, 10 * kMiB) << what;
  }
  EXPECT_EQ(refusal_after([](auto& m) {
              m.mutable_graph()->mutable_node(0)->set_name(std::string(kMaxNameBytes, 'n'));
            }).message,
            "nothing was thrown");
}

/// A length-delimited field.
std::string field(int number, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  std::size_t length = content.size();
  for (; length > 127; length >>= 7) bytes.push_back(static_cast<char>(length | 0x80U));
  bytes.push_back(static_cast<char>(length));
  return bytes + content;
}

std::string repeated(const std::string& part, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += part;
  return all;
}

/// Messages that would be parsed to much more memory than they have bytes, by what they repeat.
std::vector<std::pair<std::string, std::string>> large_structures() {
  constexpr int kGraph = 7;
  constexpr int kNode = 1;
  constexpr int kInitializer = 5;
  constexpr int kAttribute = 5;
  return {
      {"nodes", field(kGraph, repeated(field(kNode, ""), 3'000'000))},
      {"tensors", field(kGraph, repeated(field(kInitializer, ""), 3'000'000))},
      {"attributes", field(kGraph, field(kNode, repeated(field(kAttribute, ""), 3'000'000)))},
      {"packed extents",
       field(kGraph, field(kInitializer, field(1, std::string(6'000'000, '\1'))))},
  };
}

TEST(CheckStructure, RefusesMessagesThatTakeMuchMoreMemoryThanBytes) {
  for (const auto& [what, bytes] : large_structures()) {
    EXPECT_THAT(
        refusal_of(bytes).message,
        AllOf(HasSubstr("the structure of the network (its nodes, names and attributes) needs"),
              HasSubstr("more than the limit of 256 MiB")))
        << what;
  }
}

TEST(CheckStructure, RefusesThemBeforeTheyTakeIt) {
  OMPQ_NEEDS_PLAIN_MEMORY();
  for (const auto& [what, bytes] : large_structures()) {
    EXPECT_LT(refusal_of(bytes).peak, 10 * kMiB) << what;
  }
}

TEST(CheckStructure, ReadsDocumentationAndManyNodes) {
  EXPECT_EQ(refusal_after([](auto& m) {
              m.mutable_graph()->mutable_node(0)->set_doc_string(std::string(kMiB, 'd'));
              auto* last = m.mutable_graph()->mutable_output(0);
              std::string from = last->name();
              for (int i = 0; i < 20'000; ++i) {
                auto* node = m.mutable_graph()->add_node();
                node->set_op_type("Neg");
                node->add_input(from);
                node->add_output(from = "layers." + std::to_string(i) + "/negated/output");
              }
              last->set_name(from);
            }).message,
            "nothing was thrown");
}

TEST(CheckStructure, LeavesDamageToParsing) {
  EXPECT_THAT(refusal_of("hello, world").message, HasSubstr("is not an ONNX model"));
  EXPECT_THAT(refusal_of(field(7, "\xff\xff\xff")).message, HasSubstr("is not an ONNX model"));
  std::string nested;
  for (int i = 0; i < 200; ++i) nested = field(i % 3 == 0 ? 7 : 5, nested);
  EXPECT_THAT(refusal_of(nested).message, HasSubstr("is not an ONNX model"));
}

/// If nodes, one in the other.
onnx::GraphProto nested_choices(int depth) {
  onnx::GraphProto inside;
  inside.add_output()->set_name("y");
  auto* node = inside.add_node();
  node->add_output("y");
  if (depth == 0) {
    node->set_op_type("Neg");
    node->add_input("x");
    return inside;
  }
  node->set_op_type("If");
  node->add_input("k");
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto* attribute = node->add_attribute();
    attribute->set_name(branch);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    *attribute->mutable_g() = nested_choices(branch[0] == 't' ? depth - 1 : 0);
  }
  return inside;
}

TEST(CheckStructure, SubNetworksNestAFewLevels) {
  const auto nested = [](int depth) {
    return refusal_after([&](onnx::ModelProto& m) {
      auto* graph = m.mutable_graph();
      graph->mutable_node(0)->set_output(0, "h");
      *graph->add_node() = nested_choices(depth).node(0);
      auto* condition = graph->add_input();
      *condition = graph->input(0);
      condition->set_name("k");
    });
  };
  EXPECT_EQ(nested(12).message, "nothing was thrown");
  EXPECT_THAT(nested(13).message, HasSubstr("nested more than 12 deep"));
  EXPECT_THAT(nested(30).message, HasSubstr("nested more than 12 deep"));
  EXPECT_THAT(nested(60).message, HasSubstr("is not an ONNX model")) << "protobuf's own limit";
}

}  // namespace
}  // namespace ompq::onnx_io

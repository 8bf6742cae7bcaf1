#include "ompq/onnx_io/function_inliner.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/importer.h"
#include "onnx_io/model_text.h"
#include "support/peak_memory.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::model_from_text;
using testing::tensor_type;
using ::testing::UnorderedElementsAre;

/// x [N, 4] -> `nodes` -> y, next to `functions`, whose domain is "local".
onnx::ModelProto model_with(const std::string& nodes,
                            const std::string& functions,
                            const std::string& imports = "opset_import { version: 17 }") {
  return model_from_text("ir_version: 8 " + imports + R"(
      opset_import { domain: "local" version: 1 }
      graph { name: "net"
        input { name: "x" )" +
                         tensor_type(R"(dim { dim_param: "N" } dim { dim_value: 4 })") + R"( }
        output { name: "y" )" +
                         tensor_type(R"(dim { dim_param: "N" } dim { dim_value: 4 })") + "} " +
                         nodes + "} " + functions);
}

Graph import_inlined(const onnx::ModelProto& model) {
  return import_onnx_bytes(model.SerializeAsString(), "net.onnx");
}

std::string inlining_refusal(const onnx::ModelProto& model) {
  try {
    (void)import_inlined(model);
  } catch (const ImportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// "Mul(x, gate/s) -> y" for each node.
std::vector<std::string> lines_of(const Graph& graph) {
  std::vector<std::string> lines;
  for (const Node& node : graph.nodes()) {
    std::string line = node.op_type + "(";
    for (const graph::ValueId id : node.inputs) {
      line += (line.back() == '(' ? "" : ", ") +
              (id == graph::kNoValue ? std::string("-") : graph.value(id).name);
    }
    lines.push_back(line + ") -> " + graph.value(node.outputs.at(0)).name);
  }
  return lines;
}

const std::string kGate = R"(
    functions { domain: "local" name: "Gate" input: "a" output: "b"
      opset_import { version: 17 }
      node { name: "act" op_type: "Sigmoid" input: "a" output: "s" }
      node { name: "mul" op_type: "Mul" input: "a" input: "s" output: "b" } })";

/// The model as it is after being read from a file: fields that the headers know are not unknown.
onnx::ModelProto as_read(const onnx::ModelProto& model) {
  onnx::ModelProto read;
  EXPECT_TRUE(read.ParseFromString(model.SerializeAsString()));
  return read;
}

TEST(InlineFunctions, PutsTheBodyInThePlaceOfEachCall) {
  const Graph graph = import_inlined(model_with(R"(
      node { name: "one" op_type: "Gate" domain: "local" input: "x" output: "h" }
      node { name: "two" op_type: "Gate" domain: "local" input: "h" output: "y" })",
                                                kGate));
  EXPECT_THAT(lines_of(graph),
              ElementsAre("Sigmoid(x) -> one/s",
                          "Mul(x, one/s) -> h",
                          "Sigmoid(h) -> two/s",
                          "Mul(h, two/s) -> y"));
  EXPECT_EQ(graph.nodes()[0].name, "one/act");
}

TEST(InlineFunctions, FollowsCallsWithinFunctionsAndKeepsNamesApart) {
  const Graph graph = import_inlined(model_with(R"(
      node { op_type: "Twice" domain: "local" input: "x" output: "Gate_0/s" }
      node { op_type: "Gate" domain: "local" input: "Gate_0/s" output: "y" })",
                                                kGate + R"(
      functions { domain: "local" name: "Twice" input: "a" output: "c"
        opset_import { version: 17 } opset_import { domain: "local" version: 1 }
        node { op_type: "Gate" domain: "local" input: "a" output: "b" }
        node { op_type: "Gate" domain: "local" input: "b" output: "c" } })"));
  ASSERT_EQ(graph.nodes().size(), 6U);
  EXPECT_THAT(lines_of(graph).front(), ::testing::StartsWith("Sigmoid(x) -> Gate_1/"));
}

TEST(InlineFunctions, FillsInAttributesTheirDefaultsAndWhatIsLeftOut) {
  onnx::ModelProto model = model_with(R"(
      node { name: "given" op_type: "Leaky" domain: "local" input: "x" output: "h"
             attribute { name: "slope" type: FLOAT f: 0.5 } }
      node { name: "default" op_type: "Leaky" domain: "local" input: "h" output: "y" })",
                                      R"(
      functions { domain: "local" name: "Leaky" input: "a" input: "low" output: "c"
        attribute: "slope" opset_import { version: 17 }
        node { op_type: "LeakyRelu" input: "a" output: "b"
               attribute { name: "alpha" ref_attr_name: "slope" type: FLOAT } }
        node { op_type: "Clip" input: "b" input: "low" output: "c" } })");
  Graph graph = import_inlined(model);
  EXPECT_EQ(graph.nodes().at(0).float_attribute("alpha", 0), 0.5F);
  EXPECT_FALSE(graph.nodes().at(2).has_attribute("alpha"));
  EXPECT_EQ(graph.nodes().at(1).inputs.size(), 1U);
  // Defaults are in field 11, an AttributeProto, which the headers need not know.
  onnx::AttributeProto slope;
  slope.set_name("slope");
  slope.set_type(onnx::AttributeProto::FLOAT);
  slope.set_f(0.25F);
  onnx::FunctionProto& function = *model.mutable_functions(0);
  function.GetReflection()->MutableUnknownFields(&function)->AddLengthDelimited(
      11, slope.SerializeAsString());
  graph = import_inlined(as_read(model));
  EXPECT_EQ(graph.nodes().at(0).float_attribute("alpha", 0), 0.5F);
  EXPECT_EQ(graph.nodes().at(2).float_attribute("alpha", 0), 0.25F);
}

TEST(InlineFunctions, TellsOverloadsApart) {
  onnx::ModelProto model = model_with(R"(
      node { op_type: "Act" domain: "local" input: "x" output: "h" }
      node { op_type: "Act" domain: "local" input: "h" output: "y" })",
                                      R"(
      functions { domain: "local" name: "Act" input: "a" output: "b" opset_import { version: 17 }
        node { op_type: "Relu" input: "a" output: "b" } }
      functions { domain: "local" name: "Act" input: "a" output: "b" opset_import { version: 17 }
        node { op_type: "Tanh" input: "a" output: "b" } })");
  onnx::FunctionProto& function = *model.mutable_functions(1);
  function.GetReflection()->MutableUnknownFields(&function)->AddLengthDelimited(13, "smooth");
  onnx::NodeProto& node = *model.mutable_graph()->mutable_node(1);
  node.GetReflection()->MutableUnknownFields(&node)->AddLengthDelimited(8, "smooth");
  EXPECT_THAT(lines_of(import_inlined(as_read(model))),
              ElementsAre("Relu(x) -> h", "Tanh(h) -> y"));
}

TEST(InlineFunctions, CopiesAnOutputThatIsAnInput) {
  const Graph graph = import_inlined(model_with(R"(
      node { op_type: "Pass" domain: "local" input: "x" output: "h" output: "y" })",
                                                R"(
      functions { domain: "local" name: "Pass" input: "a" output: "b" output: "a"
        opset_import { version: 17 }
        node { op_type: "Relu" input: "a" output: "b" } })"));
  EXPECT_THAT(lines_of(graph), UnorderedElementsAre("Relu(x) -> h", "Identity(x) -> y"));
}

TEST(InlineFunctions, BringsNodesOfAnotherOpsetIntoOneForm) {
  // The function squeezes by an attribute, as before opset 13; the network is of opset 17.
  const std::string nodes = R"(
      node { op_type: "Thin" domain: "local" input: "x" output: "y" })";
  const std::string function = R"(
      functions { domain: "local" name: "Thin" input: "a" output: "c" opset_import { version: 11 }
        node { op_type: "Unsqueeze" input: "a" output: "b"
               attribute { name: "axes" type: INTS ints: [1] } }
        node { op_type: "Squeeze" input: "b" output: "c"
               attribute { name: "axes" type: INTS ints: [1] } } })";
  Graph graph = import_inlined(model_with(nodes, function));
  EXPECT_EQ(graph.opset, 17);
  for (const Node& node : graph.nodes()) {
    EXPECT_FALSE(node.has_attribute("axes")) << node.op_type;
    EXPECT_TRUE(graph.is_constant(node.input(1))) << node.op_type;
    EXPECT_FALSE(node.has_attribute(kOpsetNote));
  }
  // Where the function is the newer one, the network follows.
  graph = import_inlined(model_with(R"(
      node { op_type: "Unsqueeze" input: "x" output: "h"
             attribute { name: "axes" type: INTS ints: [1] } }
      node { op_type: "Thin" domain: "local" input: "h" output: "y" })",
                                    R"(
      functions { domain: "local" name: "Thin" input: "a" output: "c" opset_import { version: 18 }
        node { op_type: "Constant" output: "axes" attribute { name: "value_ints" type: INTS ints: [1] } }
        node { op_type: "Squeeze" input: "a" input: "axes" output: "c" } })",
                                    "opset_import { version: 11 }"));
  EXPECT_EQ(graph.opset, 18);
  EXPECT_TRUE(graph.is_constant(graph.nodes().at(0).input(1)));
}

TEST(InlineFunctions, TakeTheOpsetOfAModelThatCallsAlone) {
  const Graph graph = import_inlined(model_with(R"(
      node { op_type: "Gate" domain: "local" input: "x" output: "y" })",
                                                kGate,
                                                ""));
  EXPECT_EQ(graph.opset, 17);
  EXPECT_EQ(graph.nodes().size(), 2U);
}

TEST(InlineFunctions, ReachIntoSubNetworks) {
  const Graph graph = import_inlined(model_with(R"(
      initializer { name: "c" data_type: 9 int32_data: 1 }
      node { name: "choice" op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { name: "t"
          node { name: "call" op_type: "Gate" domain: "local" input: "x" output: "p" }
          output { name: "p" } } }
        attribute { name: "else_branch" type: GRAPH g { name: "e"
          node { op_type: "Relu" input: "x" output: "q" } output { name: "q" } } } })",
                                                kGate));
  const Graph* inside = graph.nodes().at(0).sub_graph("then_branch");
  ASSERT_NE(inside, nullptr);
  EXPECT_THAT(lines_of(*inside), ElementsAre("Sigmoid(x) -> call/s", "Mul(x, call/s) -> p"));
}

TEST(InlineFunctions, RefusesAFunctionThatCallsItself) {
  EXPECT_THAT(inlining_refusal(model_with(R"(
      node { op_type: "A" domain: "local" input: "x" output: "y" })",
                                          R"(
      functions { domain: "local" name: "A" input: "a" output: "b"
        node { op_type: "B" domain: "local" input: "a" output: "b" } }
      functions { domain: "local" name: "B" input: "a" output: "b"
        node { op_type: "A" domain: "local" input: "a" output: "b" } })")),
              HasSubstr("function 'A' calls itself"));
}

/// Functions f0 to f<count - 1>, each of which calls the one before `calls` times.
onnx::ModelProto model_with_calls(int count, int calls, const std::string& body = "Neg") {
  std::string functions = R"(functions { domain: "local" name: "f0" input: "a" output: "b"
      opset_import { version: 17 } )";
  if (!body.empty()) {
    functions += "node { op_type: \"" + body + "\" input: \"a\" output: \"b\" }";
  }
  functions += "}";
  for (int i = 1; i < count; ++i) {
    const std::string before = "f" + std::to_string(i - 1);
    functions += "functions { domain: \"local\" name: \"f" + std::to_string(i) +
                 "\" input: \"a\" output: \"b\" opset_import { version: 17 } "
                 "opset_import { domain: \"local\" version: 1 } ";
    for (int call = 0; call < calls; ++call) {
      functions += "node { domain: \"local\" op_type: \"" + before + "\" input: \"a\" output: \"" +
                   (call + 1 < calls ? "t" + std::to_string(call) : "b") + "\" } ";
    }
    functions += "}";
  }
  const std::string last = "f" + std::to_string(count - 1);
  return model_with(
      "node { domain: \"local\" op_type: \"" + last + "\" input: \"x\" output: \"y\" }", functions);
}

TEST(InlineFunctions, RefusesCallsThatMultiply) {
  std::string message;
  const std::int64_t peak =
      testing::peak_growth([&] { message = inlining_refusal(model_with_calls(40, 2)); });
  EXPECT_THAT(message,
              ::testing::AllOf(HasSubstr("with its functions inlined, the network has "),
                               HasSubstr("more than the limit of 256 MiB")));
  EXPECT_LT(peak, std::int64_t{400} << 20);
  EXPECT_THAT(inlining_refusal(model_with_calls(7, 10)), HasSubstr("with its functions inlined"));
  EXPECT_THAT(inlining_refusal(model_with_calls(40, 2, "")),
              HasSubstr("with its functions inlined"))
      << "functions without nodes";
  EXPECT_EQ(inlining_refusal(model_with_calls(8, 2)), "nothing was thrown");
}

TEST(InlineFunctions, RefusesDeepChainsOfCalls) {
  EXPECT_EQ(inlining_refusal(model_with_calls(100, 1)), "nothing was thrown");
  for (const int count : {101, 5000}) {
    EXPECT_THAT(inlining_refusal(model_with_calls(count, 1)),
                HasSubstr("is called through 100 other functions, and ompq reads 100 levels"))
        << count;
  }
}

}  // namespace
}  // namespace ompq::onnx_io

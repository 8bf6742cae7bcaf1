#include "ompq/onnx_io/sink_branches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "onnx_io/model_text.h"
#include "support/judge.h"
#include "support/paths.h"

namespace ompq::onnx_io {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> node_names(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.node()) names.push_back(node.name());
  return names;
}

/// The branch of the If whose first output is `output`, at any depth.
const onnx::GraphProto* branch_of(const onnx::GraphProto& graph,
                                  const std::string& output,
                                  const std::string& branch) {
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (node.output(0) == output && attribute.name() == branch) return &attribute.g();
      const onnx::GraphProto* found = branch_of(attribute.g(), output, branch);
      if (found != nullptr) return found;
    }
  }
  return nullptr;
}

/// y = if c: relu(-x) + folded, else: -shared; nodes for both, for one, for the end and for
/// neither.
onnx::ModelProto branching_model() {
  const std::string x = testing::tensor_type("dim { dim_value: 2 }");
  return testing::model_with_graph("input { name: \"x\" " + x + " } input { name: \"c\" " +
                                   testing::tensor_type("", 9) + " } output { name: \"y\" " + x +
                                   " } output { name: \"z\" " + x + R"( }
      initializer { name: "w" data_type: 1 dims: 2 float_data: [1, 2] }
      node { name: "neg" op_type: "Neg" input: "x" output: "a" }
      node { name: "fold" op_type: "Exp" input: "w" output: "folded" }
      node { name: "shared" op_type: "Abs" input: "x" output: "s" }
      node { name: "relu" op_type: "Relu" input: "a" output: "b" }
      node { name: "late" op_type: "Sqrt" input: "s" output: "l" }
      node { name: "choice" op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { name: "yes"
          node { name: "add" op_type: "Add" input: "b" input: "folded" output: "p" }
          output { name: "p" } } }
        attribute { name: "else_branch" type: GRAPH g { name: "no"
          node { name: "minus" op_type: "Neg" input: "s" output: "q" } output { name: "q" } } } }
      node { name: "after" op_type: "Mul" input: "l" input: "y" output: "z" })");
}

TEST(SinkBranches, MovesWhatOnlyTheTakenBranchReads) {
  onnx::ModelProto model = branching_model();
  sink_branches(*model.mutable_graph(), {{.output = "y", .condition = true}});
  EXPECT_THAT(node_names(model.graph()), ElementsAre("fold", "shared", "late", "choice", "after"));
  EXPECT_THAT(node_names(*branch_of(model.graph(), "y", "then_branch")),
              ElementsAre("neg", "relu", "add"));
  EXPECT_THAT(node_names(*branch_of(model.graph(), "y", "else_branch")), ElementsAre("minus"));
}

TEST(SinkBranches, MovesNothingThatOthersRead) {
  onnx::ModelProto model = branching_model();
  const std::string before = model.SerializeAsString();
  sink_branches(*model.mutable_graph(), {});
  EXPECT_EQ(model.SerializeAsString(), before);
  sink_branches(*model.mutable_graph(), {{.output = "none", .condition = true}});
  EXPECT_EQ(model.SerializeAsString(), before) << "no such If";
  // The other branch reads only `s`, which `late` reads, too.
  sink_branches(*model.mutable_graph(), {{.output = "y", .condition = false}});
  EXPECT_THAT(node_names(*branch_of(model.graph(), "y", "else_branch")), ElementsAre("minus"));
}

TEST(SinkBranches, ChangesNoOutputInOnnxRuntime) {
  OMPQ_JUDGE_OR_SKIP();
  const testing::TemporaryDirectory folder;
  onnx::ModelProto model = branching_model();
  write_file_atomically(folder / "before.onnx", model.SerializeAsString());
  sink_branches(*model.mutable_graph(), {{.output = "y", .condition = true}});
  write_file_atomically(folder / "after.onnx", model.SerializeAsString());
  std::vector<testing::JudgeJob> jobs;
  for (const bool condition : {true, false}) {
    for (const char* file : {"before.onnx", "after.onnx"}) {
      jobs.push_back({.model = folder / file,
                      .inputs = {{"x", Tensor::from<float>({2}, {-3, 0.5F})},
                                 {"c", Tensor::scalar(condition)}}});
    }
  }
  const auto answers = run_jobs(testing::Judge::Node, jobs);
  ASSERT_EQ(answers.size(), 4U);
  for (const std::size_t pair : {0, 2}) {
    ASSERT_EQ(answers[pair].refusal + answers[pair + 1].refusal, "");
    ASSERT_EQ(answers[pair].outputs.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(answers[pair + 1].outputs.at(i).equals(answers[pair].outputs[i]))
          << "output " << i << (pair == 0 ? " if true" : " if false");
    }
  }
}

TEST(SinkBranches, MovesAnIfIntoAnother) {
  onnx::ModelProto model = testing::model_with_graph(R"(
      output { name: "y" }
      node { name: "neg" op_type: "Neg" input: "x" output: "a" }
      node { name: "first" op_type: "If" input: "c" output: "b"
        attribute { name: "then_branch" type: GRAPH g { output { name: "a" } } }
        attribute { name: "else_branch" type: GRAPH g { output { name: "x" } } } }
      node { name: "second" op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { output { name: "b" } } }
        attribute { name: "else_branch" type: GRAPH g { output { name: "x" } } } })");
  sink_branches(*model.mutable_graph(),
                {{.output = "b", .condition = true}, {.output = "y", .condition = true}});
  EXPECT_THAT(node_names(model.graph()), ElementsAre("second"));
  EXPECT_THAT(node_names(*branch_of(model.graph(), "y", "then_branch")),
              ElementsAre("neg", "first"));
  EXPECT_THAT(node_names(*branch_of(model.graph(), "y", "else_branch")), IsEmpty());
}

}  // namespace
}  // namespace ompq::onnx_io

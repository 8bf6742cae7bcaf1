#include <map>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/onnx_io/exporter.h"
#include "ops/case_runner.h"
#include "support/judge.h"

namespace ompq::ops {
namespace {

using testing::all_cases;
using testing::OpCase;

/// All cases of one opset as one network, so that the judge starts once for each opset.
struct Bundle {
  graph::Graph graph;
  std::map<std::string, Tensor> inputs;
  std::vector<Tensor> ours;
  std::vector<const OpCase*> cases;  ///< of each output
};

void add_case(Bundle& bundle, const OpCase& op_case, std::size_t index) {
  graph::Node node = testing::PreparedCase(op_case).node;
  node.name = fmt::format("case_{}", index);
  for (std::size_t i = 0; i < op_case.inputs.size(); ++i) {
    const testing::CaseInput& input = op_case.inputs[i];
    if (!input.present) continue;
    const std::string name = fmt::format("case_{}_x{}", index, i);
    if (input.constant) {
      node.inputs[i] = bundle.graph.add_constant(name, input.tensor);
      continue;
    }
    node.inputs[i] =
        bundle.graph.add_input(name, input.tensor.type(), graph::fixed_shape(input.tensor.shape()));
    bundle.inputs.emplace(name, input.tensor);
  }
  const std::vector<Tensor> outputs = testing::run_case(op_case);
  for (std::size_t i = 0; i < op_case.outputs; ++i) {
    graph::Value value;
    value.name = fmt::format("case_{}_y{}", index, i);
    value.type = outputs.at(i).type();
    value.shape = graph::fixed_shape(outputs.at(i).shape());
    node.outputs[i] = bundle.graph.add_value(std::move(value));
    bundle.graph.mark_output(node.outputs[i]);
    bundle.ours.push_back(outputs[i]);
    bundle.cases.push_back(&op_case);
  }
  bundle.graph.add_node(std::move(node));
}

class OnnxRuntimeTest : public ::testing::TestWithParam<int> {};

TEST_P(OnnxRuntimeTest, SaysTheSameOfEveryCase) {
  OMPQ_JUDGE_OR_SKIP();
  Bundle bundle;
  bundle.graph.opset = GetParam();
  for (std::size_t i = 0; i < all_cases().size(); ++i) {
    const OpCase& op_case = all_cases()[i];
    if (op_case.opset == GetParam() && op_case.unjudged.empty()) add_case(bundle, op_case, i);
  }
  if (bundle.cases.empty()) return;
  const auto theirs = testing::run_bytes_in_onnxruntime(
      onnx_io::export_onnx_bytes(bundle.graph), bundle.inputs, {.optimization = "disabled"});
  ASSERT_EQ(theirs.size(), bundle.ours.size());
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    const auto gap = testing::distance(bundle.ours[i], theirs[i]);
    EXPECT_LE(gap.largest, bundle.cases[i]->tolerance)
        << bundle.cases[i]->name() << " (opset " << GetParam() << "): " << gap.where;
  }
}

INSTANTIATE_TEST_SUITE_P(Opsets, OnnxRuntimeTest, ::testing::Range(7, 27), [](const auto& tested) {
  return fmt::format("opset_{}", tested.param);
});

}  // namespace
}  // namespace ompq::ops

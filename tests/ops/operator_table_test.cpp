#include <set>
#include <string>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/graph/operator_traits.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"
#include "ompq/ops/registered_operator.h"
#include "ops/case_runner.h"

namespace ompq::ops {
namespace {

using testing::all_cases;
using testing::OpCase;
using testing::PreparedCase;

std::string row_name(const Operator& row) {
  return row.domain.empty() ? std::string(row.type) : fmt::format("{}.{}", row.domain, row.type);
}

TEST(OperatorTable, EveryRowHasAllItsParts) {
  for (const Operator& row : operator_table()) {
    EXPECT_NE(row.check, nullptr) << row_name(row);
    EXPECT_NE(row.infer, nullptr) << row_name(row);
    EXPECT_NE(row.run, nullptr) << row_name(row);
    EXPECT_GE(row.since_opset, row.domain.empty() ? 7 : 1) << row_name(row);
    EXPECT_EQ(find_operator(row.domain, row.type), &row) << row_name(row) << " has two rows";
  }
}

/// Roles, fusion and opsets are told by a table of the graph's; both name the same operators.
TEST(OperatorTable, HasARowForEveryRowOfTraits) {
  for (const graph::OperatorTraits& traits : graph::operator_traits().rows()) {
    EXPECT_NE(find_operator(traits.domain, traits.type), nullptr)
        << traits.type << " has traits, but cannot be run";
  }
}

TEST(RegisteredOperator, IsThereForAsLongAsItLives) {
  const Operator* relu = find_operator("", "Relu");
  Operator own = *relu;
  own.type = "Rectify";
  own.domain = "example";
  const std::size_t rows = operator_table().size();
  {
    const RegisteredOperator row(
        own, {.type = own.type, .domain = own.domain, .role = graph::Role::Activation});
    ASSERT_NE(find_operator("example", "Rectify"), nullptr);
    EXPECT_EQ(find_operator("example", "Rectify")->run, relu->run);
    EXPECT_EQ(graph::traits_of("example", "Rectify").role, graph::Role::Activation);
    EXPECT_EQ(find_operator("", "Relu"), relu);
    EXPECT_EQ(find_operator("", "Rectify"), nullptr);
  }
  EXPECT_EQ(find_operator("example", "Rectify"), nullptr);
  EXPECT_EQ(graph::traits_of("example", "Rectify").role, graph::Role::Other);
  EXPECT_EQ(operator_table().size(), rows);
}

TEST(OperatorTable, EveryRowHasACase) {
  std::set<std::pair<std::string, std::string>> covered;
  for (const OpCase& op_case : all_cases()) covered.emplace(op_case.domain, op_case.op_type);
  for (const Operator& row : operator_table()) {
    EXPECT_TRUE(covered.contains({std::string(row.domain), std::string(row.type)}))
        << row_name(row) << " has no case in tests/ops/cases";
  }
}

TEST(OperatorTable, EveryCaseHasARowAndAnUniqueTitle) {
  std::set<std::string> names;
  for (const OpCase& op_case : all_cases()) {
    EXPECT_NE(find_operator(op_case.domain, op_case.op_type), nullptr) << op_case.name();
    EXPECT_TRUE(names.insert(op_case.name()).second) << "twice: " << op_case.name();
  }
}

TEST(OperatorTable, NamesEveryOperatorOfTheSupportedModels) {
  for (const char* type : {"Conv",
                           "ConvTranspose",
                           "Gemm",
                           "MatMul",
                           "Add",
                           "Sub",
                           "Mul",
                           "Div",
                           "Pow",
                           "Sqrt",
                           "Exp",
                           "Neg",
                           "Abs",
                           "Min",
                           "Max",
                           "Relu",
                           "LeakyRelu",
                           "PRelu",
                           "Clip",
                           "Sigmoid",
                           "Tanh",
                           "HardSigmoid",
                           "HardSwish",
                           "Softplus",
                           "Erf",
                           "Gelu",
                           "Softmax",
                           "LogSoftmax",
                           "MaxPool",
                           "AveragePool",
                           "GlobalAveragePool",
                           "GlobalMaxPool",
                           "ReduceMean",
                           "ReduceSum",
                           "ReduceMax",
                           "Pad",
                           "Resize",
                           "Upsample",
                           "Concat",
                           "Split",
                           "Slice",
                           "Gather",
                           "Transpose",
                           "Reshape",
                           "Flatten",
                           "Squeeze",
                           "Unsqueeze",
                           "Expand",
                           "Where",
                           "Equal",
                           "Less",
                           "Greater",
                           "Cast",
                           "Shape",
                           "LayerNormalization",
                           "InstanceNormalization",
                           "BatchNormalization",
                           "DepthToSpace",
                           "ArgMax",
                           "TopK",
                           "Identity",
                           "Dropout",
                           "ConstantOfShape"}) {
    EXPECT_NE(find_operator("", type), nullptr) << type;
  }
}

/// One check of a row against its own execution, for fixed shapes and for an open batch.
void expect_rule_to_tell_what_runs(const OpCase& op_case, bool open_batch) {
  const PreparedCase prepared(op_case);
  ASSERT_NE(prepared.op, nullptr) << op_case.name();
  const auto facts = prepared.facts(open_batch);
  const auto complaint = prepared.op->check(prepared.context(), facts);
  ASSERT_EQ(complaint, std::nullopt) << op_case.name();
  const auto inferred = prepared.op->infer(prepared.context(), facts);
  const auto outputs = testing::run_case(op_case);
  ASSERT_GE(inferred.size(), op_case.outputs) << op_case.name();
  ASSERT_GE(outputs.size(), op_case.outputs) << op_case.name();
  for (std::size_t i = 0; i < op_case.outputs; ++i) {
    EXPECT_EQ(inferred[i].type, outputs[i].type()) << op_case.name() << ", output " << i;
    bool found = false;
    for (std::int64_t batch = 1; batch <= 12 && !found; ++batch) {
      found = graph::extents_at(inferred[i].shape, batch) == outputs[i].shape();
    }
    EXPECT_TRUE(found) << op_case.name() << ", output " << i << ": the rule says "
                       << graph::to_string(inferred[i].shape) << ", running makes "
                       << shape_text(outputs[i].shape());
    if (!inferred[i].elements) continue;
    std::vector<std::int64_t> told;
    for (const graph::Dim& element : *inferred[i].elements) told.push_back(element.at(1));
    EXPECT_EQ(told.size(), static_cast<std::size_t>(outputs[i].elements())) << op_case.name();
    if (!open_batch) {
      EXPECT_EQ(told, outputs[i].to_int64s()) << op_case.name();
    }
  }
}

class CaseTest : public ::testing::TestWithParam<OpCase> {};

TEST_P(CaseTest, ShapeRuleTellsWhatRuns) {
  ASSERT_NO_FATAL_FAILURE(expect_rule_to_tell_what_runs(GetParam(), /*open_batch=*/false));
}

TEST_P(CaseTest, ShapeRuleHoldsForAnOpenBatch) {
  if (!GetParam().open_batch) return;
  ASSERT_NO_FATAL_FAILURE(expect_rule_to_tell_what_runs(GetParam(), /*open_batch=*/true));
}

/// A check must not look at what an unknown input pretends to be.
TEST_P(CaseTest, CheckCopesWithUnknownInputs) {
  const PreparedCase prepared(GetParam());
  std::vector<InputFacts> facts(GetParam().inputs.size());
  for (InputFacts& input : facts) {
    input.present = true;
    input.known = false;
  }
  EXPECT_EQ(prepared.op->check(prepared.context(), facts), std::nullopt) << GetParam().name();
}

/// Channels-last images are only another order in memory.
TEST_P(CaseTest, MemoryFormatDoesNotMatter) {
  const PreparedCase prepared(GetParam());
  const at::NoGradGuard no_grad;
  auto tensors = prepared.tensors();
  for (at::Tensor& tensor : tensors) {
    if (tensor.defined() && tensor.dim() == 4) {
      tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
    }
  }
  const auto expected = testing::run_case(GetParam());
  const auto got = prepared.op->run(prepared.context(), tensors);
  for (std::size_t i = 0; i < GetParam().outputs; ++i) {
    const auto gap = testing::distance(from_aten(got[i]), expected[i]);
    EXPECT_LE(gap.largest, 1e-5) << GetParam().name() << ", output " << i << ": " << gap.where;
  }
}

/// Runs a case whose inputs were rounded to a narrow type, in that type and in float32.
void expect_narrow_to_agree(const OpCase& op_case,
                            at::ScalarType narrow,
                            bool constants_too,
                            double bound) {
  const PreparedCase prepared(op_case);
  const at::NoGradGuard no_grad;
  auto tensors = prepared.tensors();
  auto rounded = tensors;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].defined() || tensors[i].scalar_type() != at::kFloat) continue;
    if (op_case.inputs[i].constant && !constants_too) continue;
    tensors[i] = tensors[i].to(narrow);
    rounded[i] = tensors[i].to(at::kFloat);
  }
  const auto expected = prepared.op->run(prepared.context(), rounded);
  const auto got = prepared.op->run(prepared.context(), tensors);
  for (std::size_t i = 0; i < op_case.outputs; ++i) {
    const auto type = data_type_of(expected[i].scalar_type());
    const auto gap = testing::distance(from_aten(got[i], type), from_aten(expected[i]));
    EXPECT_LE(gap.largest, bound) << op_case.name() << ", output " << i << ": " << gap.where;
  }
}

/// Products of a few dozen numbers of order one stay within a few steps of the type: 2^-8 for
/// bfloat16, whose constants stay float32, and 2^-11 for float16. Without AVX-512, where nothing
/// of ours runs in bfloat16, LibTorch rounds every partial sum to it: of some 36 roundings of
/// half a step, a walk of 6 comes on top.
TEST_P(CaseTest, RunsInBFloat16) {
  const double bound = __builtin_cpu_supports("avx512bw") ? 0x1p-6 : 0x1p-6 + 6 * 0x1p-9;
  expect_narrow_to_agree(GetParam(), at::kBFloat16, /*constants_too=*/false, bound);
}

TEST_P(CaseTest, RunsInFloat16) {
  expect_narrow_to_agree(GetParam(), at::kHalf, /*constants_too=*/true, 0x1p-9);
}

std::string test_name(const ::testing::TestParamInfo<OpCase>& info) {
  std::string name = fmt::format("{:03}_{}", info.index, info.param.op_type);
  return name;
}

INSTANTIATE_TEST_SUITE_P(Operators, CaseTest, ::testing::ValuesIn(all_cases()), test_name);

}  // namespace
}  // namespace ompq::ops

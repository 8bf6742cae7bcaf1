#include "ompq/targets/rule_check.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::targets {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;

/// Codes of x -> Conv with an int8 weight, and a bias with this scale.
Graph one_layer(float activation_scale, float weight_scale, float bias_scale) {
  testing::GraphBuilder b("layer");
  const graph::Shape image{Dim::batch(), Dim::fixed(1), Dim::fixed(4), Dim::fixed(4)};
  const ValueId x = b.quantize_dequantize("a", b.input("x", image), activation_scale, 0);
  const ValueId levels =
      b.constant("levels", Tensor::from({1, 1, 1, 1}, std::vector<std::int8_t>{5}));
  const ValueId scale = b.constant("scale", Tensor::from({1}, std::vector<float>{weight_scale}));
  const ValueId steps = b.constant("steps", Tensor::from({1}, std::vector<std::int32_t>{7}));
  const ValueId step = b.constant("step", Tensor::from({1}, std::vector<float>{bias_scale}));
  const auto decode = [&](const std::string& name, ValueId codes, ValueId by, graph::Shape shape) {
    return b.op({.name = name,
                 .op_type = "DequantizeLinear",
                 .inputs = {codes, by},
                 .attributes = {{"axis", std::int64_t{0}}}},
                std::move(shape));
  };
  const ValueId weight =
      decode("w", levels, scale, {Dim::fixed(1), Dim::fixed(1), Dim::fixed(1), Dim::fixed(1)});
  const ValueId bias = decode("b", steps, step, {Dim::fixed(1)});
  return b.finish({b.op({.name = "conv", .op_type = "Conv", .inputs = {x, weight, bias}}, image)});
}

TEST(RuleCheck, AcceptsALayerOfTheRuntimesForm) {
  EXPECT_TRUE(check_rules(one_layer(0.1F, 0.3F, 0.1F * 0.3F), target("onnxruntime")).empty());
}

TEST(RuleCheck, NamesThePlaceTheRuleAndTheValues) {
  const auto found = check_rules(one_layer(0.5F, 0.25F, 0.375F), target("onnxruntime"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().place, "Conv 'conv'");
  EXPECT_EQ(found.front().rule, "bias");
  EXPECT_EQ(found.front().values,
            "bias scale 0.375 of channel 0; must be 0.125, activation scale x weight scale");
}

TEST(RuleCheck, FindsWhatAnotherTargetReads) {
  std::set<std::string> rules;
  for (const Violation& one : check_rules(one_layer(0.1F, 0.3F, 0.1F * 0.3F), target("tensorrt"))) {
    rules.insert(one.rule);
  }
  EXPECT_THAT(rules, ::testing::ElementsAre("code type", "float bias", "symmetric"));
}

TEST(RuleCheck, HasRulesWithNamesAndTextsOfItsOwn) {
  std::set<std::string_view> names;
  for (const Rule& rule : target_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_FALSE(rule.text.empty()) << rule.name;
  }
}

}  // namespace
}  // namespace ompq::targets

#include "ops/op_case.h"

namespace ompq::testing {

OpCases normalization_cases() {
  const CaseInput x = data(normal({2, 4, 5, 6}, 1));
  const CaseInput scale = constant(uniform({4}, 0.5F, 2, 2));
  const CaseInput bias = constant(normal({4}, 3));
  const CaseInput mean = constant(normal({4}, 4));
  const CaseInput variance = constant(uniform({4}, 0.3F, 2, 5));
  const CaseInput tokens = data(normal({2, 5, 8}, 1));
  return {
      {"BatchNormalization", 9, "images", {}, {x, scale, bias, mean, variance}},
      {"BatchNormalization", 15, "epsilon", {{"epsilon", 0.1F}}, {x, scale, bias, mean, variance}},
      {"BatchNormalization",
       7,
       "features",
       {},
       {data(normal({3, 4}, 1)), scale, bias, mean, variance}},
      {"InstanceNormalization", 13, "images", {{"epsilon", 1e-3F}}, {x, scale, bias}},
      {"InstanceNormalization", 7, "one axis", {}, {data(normal({2, 4, 9}, 1)), scale, bias}},
      {"GroupNormalization",
       18,
       "scale per group",
       {{"num_groups", 2}},
       {x, constant(uniform({2}, 0.5F, 2, 2)), constant(normal({2}, 3))}},
      {"GroupNormalization", 21, "scale per channel", {{"num_groups", 2}}, {x, scale, bias}},
      {"LayerNormalization",
       17,
       "last axis",
       {},
       {tokens, constant(normal({8}, 2)), constant(normal({8}, 3))}},
      {"LayerNormalization",
       17,
       "two axes, no bias",
       {{"axis", 1}, {"epsilon", 1e-3F}},
       {tokens, constant(normal({5, 8}, 2))}},
      {"LayerNormalization",
       13,
       "before ONNX had it",
       {},
       {tokens, constant(normal({8}, 2)), constant(normal({8}, 3))}},
      {"SimplifiedLayerNormalization", 13, "last axis", {}, {tokens, constant(normal({8}, 2))}},
      {"RMSNormalization", 23, "last axis", {}, {tokens, constant(normal({8}, 2))}},
      {"RMSNormalization",
       23,
       "two axes",
       {{"axis", 1}, {"epsilon", 1e-3F}},
       {tokens, constant(normal({5, 8}, 2))}},
      {"LRN", 13, "size 3", {{"size", 3}, {"alpha", 0.5F}, {"beta", 0.6F}, {"bias", 1.5F}}, {x}},
      {"LRN", 13, "size 5, AlexNet's", {{"size", 5}}, {x}},
      OpCase{"LRN", 13, "even size", {{"size", 2}, {"alpha", 0.5F}}, {x}}.not_judged(
          "ONNX Runtime takes odd sizes alone"),
      {"MeanVarianceNormalization", 13, "default axes", {}, {x}},
      {"MeanVarianceNormalization", 9, "spatial axes", {{"axes", Ints{2, 3}}}, {x}},
      {"LpNormalization", 13, "p 2", {{"axis", 1}}, {x}},
      {"LpNormalization", 13, "p 1", {{"p", 1}}, {x}},
      {"Softmax", 13, "last axis", {}, {tokens}},
      {"Softmax", 13, "channels", {{"axis", 1}}, {x}},
      {"Softmax", 11, "flattened from axis 1", {}, {tokens}},
      {"Softmax", 11, "flattened from axis 2", {{"axis", 2}}, {x}},
      {"Softmax", 7, "last axis of two", {{"axis", 1}}, {data(normal({3, 7}, 1))}},
      {"LogSoftmax", 13, "last axis", {}, {tokens}},
      {"LogSoftmax", 11, "flattened", {}, {tokens}},
      OpCase{"Hardmax", 13, "last axis", {}, {tokens}}.not_smooth(),
      OpCase{"Hardmax", 11, "flattened", {}, {tokens}}.not_smooth(),
  };
}

}  // namespace ompq::testing

#include "ops/op_case.h"

namespace ompq::testing {
namespace {

OpCases conv_cases() {
  const CaseInput x = data(normal({2, 4, 7, 8}, 1));
  const CaseInput w = constant(normal({6, 4, 3, 3}, 2));
  const CaseInput b = constant(normal({6}, 3));
  return {
      {"Conv", 13, "plain", {}, {x, w}},
      {"Conv",
       7,
       "bias, pads, strides",
       {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}},
       {x, w, b}},
      {"Conv", 13, "kernel_shape written", {{"kernel_shape", Ints{3, 3}}}, {x, w, b}},
      {"Conv", 13, "asymmetric pads", {{"pads", Ints{0, 2, 1, 3}}}, {x, w, b}},
      {"Conv", 13, "dilated", {{"pads", Ints{2, 2, 2, 2}}, {"dilations", Ints{2, 2}}}, {x, w, b}},
      {"Conv", 13, "two groups", {{"group", 2}}, {x, constant(normal({6, 2, 3, 3}, 2)), b}},
      {"Conv",
       13,
       "depthwise",
       {{"group", 4}, {"pads", Ints{1, 1, 1, 1}}},
       {x, constant(normal({4, 1, 3, 3}, 2))}},
      {"Conv",
       13,
       "depthwise, two per channel, asymmetric",
       {{"group", 4}, {"pads", Ints{0, 0, 1, 1}}, {"strides", Ints{2, 2}}},
       {x, constant(normal({8, 1, 3, 3}, 2))}},
      {"Conv", 13, "1 x 1", {}, {x, constant(normal({5, 4, 1, 1}, 2))}},
      {"Conv", 13, "SAME_UPPER", {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}}, {x, w, b}},
      {"Conv", 13, "SAME_LOWER", {{"auto_pad", "SAME_LOWER"}, {"strides", Ints{2, 2}}}, {x, w, b}},
      {"Conv",
       13,
       "SAME_UPPER, even kernel",
       {{"auto_pad", "SAME_UPPER"}},
       {x, constant(normal({5, 4, 2, 4}, 2))}},
      {"Conv",
       13,
       "SAME_LOWER, even kernel",
       {{"auto_pad", "SAME_LOWER"}},
       {x, constant(normal({5, 4, 2, 4}, 2))}},
      {"Conv", 13, "VALID", {{"auto_pad", "VALID"}, {"strides", Ints{3, 2}}}, {x, w}},
      {"Conv",
       13,
       "one axis",
       {{"pads", Ints{1, 2}}, {"strides", Ints{2}}},
       {data(normal({2, 3, 11}, 1)), constant(normal({4, 3, 3}, 2)), constant(normal({4}, 3))}},
      {"Conv",
       13,
       "three axes",
       {{"pads", Ints{1, 0, 1, 1, 0, 1}}},
       {data(normal({2, 2, 4, 5, 4}, 1)), constant(normal({3, 2, 3, 2, 3}, 2))}},
      OpCase{"Conv", 13, "weight from the network", {}, {x, data(normal({6, 4, 3, 3}, 2))}}
          .fixed_batch(),
  };
}

OpCases transposed_cases() {
  const CaseInput x = data(normal({2, 4, 5, 6}, 1));
  const CaseInput w = constant(normal({4, 3, 3, 3}, 2));
  const CaseInput b = constant(normal({3}, 3));
  const Ints twice{2, 2};
  return {
      {"ConvTranspose", 13, "plain", {}, {x, w}},
      {"ConvTranspose",
       7,
       "bias, stride, pads",
       {{"strides", twice}, {"pads", Ints{1, 1, 1, 1}}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "output_padding",
       {{"strides", twice}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "asymmetric pads",
       {{"strides", twice}, {"pads", Ints{0, 1, 2, 1}}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "more in front",
       {{"strides", twice}, {"pads", Ints{2, 1, 0, 0}}},
       {x, w, b}},
      {"ConvTranspose", 13, "dilated", {{"dilations", twice}, {"pads", Ints{1, 1, 1, 1}}}, {x, w}},
      {"ConvTranspose", 13, "two groups", {{"group", 2}, {"strides", twice}}, {x, w}},
      {"ConvTranspose",
       13,
       "output_shape, even rest",
       {{"strides", twice}, {"output_shape", Ints{9, 11}}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "output_shape, odd rest",
       {{"strides", twice}, {"output_shape", Ints{10, 12}}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "output_shape, SAME_UPPER",
       {{"strides", twice}, {"output_shape", Ints{10, 12}}, {"auto_pad", "SAME_UPPER"}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "SAME_UPPER",
       {{"strides", twice}, {"auto_pad", "SAME_UPPER"}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "SAME_LOWER",
       {{"strides", twice}, {"auto_pad", "SAME_LOWER"}},
       {x, w, b}},
      {"ConvTranspose",
       13,
       "kernel 2, stride 2",
       {{"strides", twice}},
       {x, constant(normal({4, 3, 2, 2}, 2))}},
      {"ConvTranspose",
       13,
       "one axis",
       {{"strides", Ints{3}}, {"output_padding", Ints{1}}},
       {data(normal({2, 3, 5}, 1)), constant(normal({3, 2, 4}, 2))}},
  };
}

OpCases col2im_cases() {
  const CaseInput image = constant_ints({5, 6});
  const CaseInput block = constant_ints({2, 3});
  return {
      {"Col2Im", 18, "every place", {}, {data(normal({2, 12, 16}, 1)), image, block}},
      {"Col2Im",
       18,
       "side by side",
       {{"strides", Ints{2, 3}}},
       {data(normal({2, 12, 4}, 1)), image, block}},
      {"Col2Im",
       18,
       "asymmetric pads, dilated",
       {{"pads", Ints{1, 0, 1, 2}}, {"strides", Ints{2, 2}}, {"dilations", Ints{2, 1}}},
       {data(normal({2, 12, 9}, 1)), image, block}},
  };
}

}  // namespace

OpCases convolution_cases() {
  OpCases all = conv_cases();
  for (const OpCases& more : {transposed_cases(), col2im_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

OpCases fused_cases() {
  const std::string own = "an operator of our own";
  const CaseInput x = data(normal({2, 4, 7, 8}, 1));
  const CaseInput w = constant(normal({6, 4, 3, 3}, 2));
  const CaseInput b = constant(normal({6}, 3));
  OpCases cases{
      {"FusedConv", 13, "no activation", {}, {x, w, b}},
      {"FusedConv",
       13,
       "Relu, residual",
       {{"activation", "Relu"}},
       {x, w, b, data(normal({2, 6, 5, 6}, 4))}},
      {"FusedConv",
       13,
       "Clip, no bias",
       {{"activation", "Clip"}, {"activation_min", 0.0F}, {"activation_max", 6.0F}},
       {x, w, absent()}},
      {"FusedConv", 13, "Swish", {{"activation", "Swish"}}, {x, w, b}},
      {"FusedConvTranspose",
       13,
       "LeakyRelu",
       {{"activation", "LeakyRelu"}, {"activation_alpha", 0.2F}},
       {x, constant(normal({4, 3, 2, 2}, 2)), absent()}},
      {"FusedGemm",
       13,
       "HardSwish",
       {{"activation", "HardSwish"}, {"transB", 1}},
       {data(normal({3, 5}, 1)), constant(normal({4, 5}, 2)), constant(normal({4}, 3))}},
      {"FusedMatMul",
       13,
       "Gelu, residual",
       {{"activation", "Gelu"}},
       {data(normal({2, 3, 5}, 1)),
        constant(normal({5, 4}, 2)),
        constant(normal({4}, 3)),
        data(normal({2, 3, 4}, 4))}},
      {"FusedMatMul",
       13,
       "Sigmoid, no bias",
       {{"activation", "Sigmoid"}},
       {data(normal({2, 3, 5}, 1)), constant(normal({5, 4}, 2)), absent()}},
  };
  for (OpCase& fused : cases) {
    fused.domain = "ompq";
    fused.unjudged = own;
  }
  return cases;
}

}  // namespace ompq::testing

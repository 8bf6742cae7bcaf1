#include "ops/op_case.h"

namespace ompq::testing {

OpCases quantization_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const CaseInput step = constant(Tensor::scalar(0.02F));
  const CaseInput steps = constant(uniform({3}, 0.01F, 0.05F, 2));
  const CaseInput halves =
      data(Tensor::from<float>({1, 6}, {-1.25F, -0.75F, -0.25F, 0.25F, 0.75F, 1.25F}));
  const CaseInput centre = constant(Tensor::scalar<std::uint8_t>(128));
  const CaseInput centres = constant(Tensor::from<std::uint8_t>({3}, {100, 128, 140}));
  const CaseInput zeros = constant(Tensor::from<std::int8_t>({3}, {0, -5, 9}));
  OpCases cases{
      {"QuantizeLinear", 10, "uint8", {}, {x, step, centre}},
      {"QuantizeLinear", 13, "no zero point", {}, {x, step}},
      {"QuantizeLinear",
       13,
       "halves go to even",
       {},
       {halves, constant(Tensor::scalar(0.5F)), centre}},
      {"QuantizeLinear", 13, "int8 per channel", {{"axis", 1}}, {x, steps, zeros}},
      {"QuantizeLinear", 13, "uint8 per channel", {}, {x, steps, centres}},
      {"QuantizeLinear", 21, "output_dtype", {{"output_dtype", 3}}, {x, step}},
      {"DequantizeLinear",
       10,
       "uint8",
       {},
       {data(counting(DataType::UInt8, {2, 3, 4}, 0, 255)), step, centre}},
      {"DequantizeLinear",
       13,
       "int8 per channel",
       {{"axis", 1}},
       {data(counting(DataType::Int8, {2, 3, 4}, -100, 100)), steps, zeros}},
      {"DequantizeLinear",
       13,
       "uint8 per last axis",
       {{"axis", -1}},
       {data(counting(DataType::UInt8, {2, 4, 3}, 0, 255)), steps, centres}},
      {"DequantizeLinear",
       13,
       "int32 bias",
       {{"axis", 0}},
       {constant(counting(DataType::Int32, {3}, -70000, 70000)), steps}},
      {"FakeQuantize", 13, "uint8", {}, {x, step, centre}},
      {"FakeQuantize", 13, "int8 per channel", {{"axis", 1}}, {x, steps, zeros}},
      {"FakeQuantize",
       13,
       "four bits",
       {{"quant_min", 0}, {"quant_max", 15}},
       {x, constant(Tensor::scalar(0.3F)), constant(Tensor::scalar<std::uint8_t>(8))}},
      {"FakeQuantize", 13, "no zero point", {}, {x, step}},
  };
  for (OpCase& quantizer : cases) {
    // The gradient passes straight through, which finite differences cannot see.
    quantizer.smooth = false;
    if (quantizer.op_type != "FakeQuantize") continue;
    quantizer.domain = "ompq";
    quantizer.unjudged = "an operator of our own";
  }
  return cases;
}

}  // namespace ompq::testing

#include "ops/op_case.h"

namespace ompq::testing {
namespace {

constexpr std::int64_t kFloat = 1;
constexpr std::int64_t kUint8 = 2;
constexpr std::int64_t kInt32 = 6;
constexpr std::int64_t kInt64 = 7;
constexpr std::int64_t kBool = 9;
constexpr std::int64_t kHalf = 10;

OpCases bit_cases() {
  const CaseInput bytes = data(counting(DataType::UInt8, {2, 4, 8}, 0, 255));
  const CaseInput shifts = constant(counting(DataType::UInt8, {8}, 0, 7));
  const CaseInput i = data(counting(DataType::Int64, {2, 8}, -7, 8));
  const CaseInput mask = constant(Tensor::scalar<std::int64_t>(5));
  return {
      {"BitShift", 11, "right", {{"direction", "RIGHT"}}, {bytes, shifts}},
      {"BitShift", 11, "left", {{"direction", "LEFT"}}, {bytes, shifts}},
      {"BitwiseAnd", 18, "mask", {}, {i, mask}},
      {"BitwiseOr", 18, "mask", {}, {i, mask}},
      {"BitwiseXor", 18, "mask", {}, {i, mask}},
      {"BitwiseNot", 18, "integers", {}, {i}},
      {"Mod", 13, "bits of bytes", {}, {bytes, constant(Tensor::scalar<std::uint8_t>(2))}},
      {"Mod", 13, "sign of the divisor", {}, {i, constant(Tensor::scalar<std::int64_t>(-3))}},
      {"Mod",
       13,
       "sign of the dividend",
       {{"fmod", 1}},
       {i, constant(Tensor::scalar<std::int64_t>(-3))}},
      {"Mod",
       13,
       "floats",
       {{"fmod", 1}},
       {data(normal({2, 9}, 1)), constant(Tensor::scalar(0.7F))}},
  };
}

OpCases cast_cases() {
  const CaseInput x = data(uniform({2, 6}, -4, 4, 1));
  const CaseInput one = constant(Tensor::scalar<std::int64_t>(1));
  return {
      {"Cast", 13, "float to int32", {{"to", kInt32}}, {x}},
      {"Cast",
       13,
       "float to bool",
       {{"to", kBool}},
       {data(Tensor::from<float>({2, 2}, {0, 1, -2, 0}))}},
      {"Cast",
       9,
       "uint8 to float",
       {{"to", kFloat}},
       {data(counting(DataType::UInt8, {2, 4}, 0, 255))}},
      {"Cast",
       13,
       "bool to int64",
       {{"to", kInt64}},
       {data(counting(DataType::Bool, {2, 2}, 0, 1))}},
      {"Cast",
       13,
       "int64 to uint8",
       {{"to", kUint8}},
       {data(counting(DataType::Int64, {2, 4}, 0, 9))}},
      OpCase{"Cast", 13, "float to half", {{"to", kHalf}}, {x}}
          .not_judged("the judge's tensors have no float16")
          .not_smooth(),
      {"CastLike", 15, "float like int64", {}, {x, one}},
      {"Shape", 13, "whole", {}, {data(normal({2, 3, 4}, 1))}},
      {"Shape", 15, "part", {{"start", 1}, {"end", -1}}, {data(normal({2, 3, 4, 5}, 1))}},
      {"Size", 13, "images", {}, {data(normal({2, 3, 4}, 1))}},
      {"Constant", 13, "tensor", {{"value", normal({2, 3}, 1)}}, {}},
      {"Constant", 13, "number", {{"value_float", 2.5F}}, {}},
      {"Constant", 13, "numbers", {{"value_ints", Ints{3, 1, 4}}}, {}},
      {"Constant", 13, "floats", {{"value_floats", Floats{3, 1, 4}}}, {}},
      {"Constant", 13, "integer", {{"value_int", 4}}, {}},
      {"ConstantOfShape", 9, "default", {}, {constant_ints({2, 3})}},
      {"ConstantOfShape",
       9,
       "ones",
       {{"value", Tensor::from<std::int64_t>({1}, {1})}},
       {constant_ints({4})}},
      {"ConstantOfShape", 9, "scalar", {}, {constant_ints({})}},
      {"Range",
       11,
       "integers",
       {},
       {constant(Tensor::scalar<std::int64_t>(2)),
        constant(Tensor::scalar<std::int64_t>(9)),
        constant(Tensor::scalar<std::int64_t>(3))}},
      {"Range",
       11,
       "downwards",
       {},
       {constant(Tensor::scalar<std::int64_t>(4)),
        constant(Tensor::scalar<std::int64_t>(-1)),
        constant(Tensor::scalar<std::int64_t>(-2))}},
      {"Range",
       11,
       "empty",
       {},
       {constant(Tensor::scalar<std::int64_t>(4)), constant(Tensor::scalar<std::int64_t>(4)), one}},
      {"Range",
       11,
       "floats",
       {},
       {constant(Tensor::scalar(0.5F)),
        constant(Tensor::scalar(2.0F)),
        constant(Tensor::scalar(0.25F))}},
      {"Identity", 13, "floats", {}, {x}},
      {"Dropout", 13, "inference", {}, {x}},
      OpCase{"Dropout", 12, "mask", {}, {x}}.with_outputs(2),
      {"Dropout", 7, "ratio in an attribute", {{"ratio", 0.3F}}, {x}},
  };
}

}  // namespace

OpCases integer_cases() {
  OpCases all = bit_cases();
  const OpCases more = cast_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace ompq::testing

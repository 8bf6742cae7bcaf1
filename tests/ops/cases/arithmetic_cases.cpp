#include <array>
#include <limits>

#include "ops/op_case.h"

namespace ompq::testing {
namespace {

OpCases unary_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const CaseInput positive = data(uniform({2, 24}, 0.1F, 4, 2));
  const CaseInput inside = data(uniform({2, 24}, -0.95F, 0.95F, 3));
  const CaseInput halves =
      data(Tensor::from<float>({2, 4}, {-2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F, 0.4F, -0.6F}));
  const float infinity = std::numeric_limits<float>::infinity();
  const CaseInput strange = data(Tensor::from<float>(
      {2, 2}, {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 1.0F}));
  return {
      {"Abs", 13, "floats", {}, {x}},
      {"Abs", 13, "integers", {}, {data(counting(DataType::Int64, {9}, -4, 4))}},
      {"Neg", 13, "floats", {}, {x}},
      {"Neg", 13, "integers", {}, {data(counting(DataType::Int64, {9}, -4, 4))}},
      OpCase{"Sign", 13, "floats", {}, {x}}.not_smooth(),
      {"Sqrt", 13, "positive", {}, {positive}},
      {"Exp", 13, "both signs", {}, {x}},
      {"Log", 13, "positive", {}, {positive}},
      {"Reciprocal", 13, "positive", {}, {positive}},
      OpCase{"Floor", 13, "both signs", {}, {x}}.not_smooth(),
      OpCase{"Ceil", 13, "both signs", {}, {x}}.not_smooth(),
      OpCase{"Round", 11, "halves go to even", {}, {halves}}.not_smooth(),
      {"Erf", 13, "both signs", {}, {x}},
      {"Sin", 7, "both signs", {}, {x}},
      {"Cos", 7, "both signs", {}, {x}},
      {"Tan", 7, "inside", {}, {inside}},
      {"Asin", 7, "inside", {}, {inside}},
      {"Acos", 7, "inside", {}, {inside}},
      {"Atan", 7, "both signs", {}, {x}},
      {"Sinh", 9, "both signs", {}, {x}},
      {"Cosh", 9, "both signs", {}, {x}},
      {"Tanh", 13, "both signs", {}, {x}},
      {"Asinh", 9, "both signs", {}, {x}},
      {"Acosh", 9, "above one", {}, {data(uniform({2, 24}, 1.1F, 4, 2))}},
      {"Atanh", 9, "inside", {}, {inside}},
      {"Softsign", 7, "both signs", {}, {x}},
      {"IsNaN", 13, "strange numbers", {}, {strange}},
      {"IsInf", 10, "strange numbers", {}, {strange}},
      {"IsInf", 10, "negative alone", {{"detect_positive", 0}}, {strange}},
      {"IsInf", 10, "positive alone", {{"detect_negative", 0}}, {strange}},
  };
}

OpCases binary_cases() {
  const CaseInput a = data(normal({2, 3, 4, 5}, 1));
  const CaseInput b = data(normal({2, 3, 4, 5}, 2));
  const CaseInput channel = constant(uniform({3, 1, 1}, 0.5F, 2, 3));
  const CaseInput row = data(normal({1, 3, 1, 5}, 4));
  const CaseInput i = data(counting(DataType::Int64, {2, 6}, -6, 6));
  const CaseInput j = constant(counting(DataType::Int64, {6}, 1, 4));
  const CaseInput positive = data(uniform({2, 3, 4}, 0.2F, 3, 5));
  const CaseInput minus = data(Tensor::from<std::int64_t>({2, 2}, {-7, 7, -7, 7}));
  const CaseInput divisor = data(Tensor::from<std::int64_t>({2, 2}, {2, 2, -2, -2}));
  return {
      {"Add", 13, "same shapes", {}, {a, b}},
      {"Add", 7, "per channel", {}, {a, channel}},
      {"Add", 13, "integers", {}, {i, j}},
      OpCase{"Add", 13, "both broadcast", {}, {row, data(normal({2, 1, 4, 1}, 5))}}.fixed_batch(),
      {"Sub", 13, "same shapes", {}, {a, b}},
      {"Sub", 13, "constant first", {}, {channel, a}},
      {"Mul", 13, "per channel", {}, {a, channel}},
      {"Mul", 13, "integers", {}, {i, j}},
      {"Div", 13, "per channel", {}, {a, channel}},
      {"Div", 13, "integers truncate", {}, {minus, divisor}},
      {"Pow", 13, "square", {}, {a, constant(Tensor::scalar(2.0F))}},
      {"Pow", 13, "fractional", {}, {positive, constant(Tensor::scalar(1.7F))}},
      {"Pow", 13, "integer exponent", {}, {a, constant(Tensor::scalar<std::int64_t>(3))}},
      {"Pow",
       13,
       "integer base",
       {},
       {data(counting(DataType::Int64, {6}, -3, 3)), constant(Tensor::scalar<std::int64_t>(3))}},
      {"Max", 13, "three", {}, {a, b, channel}},
      {"Max", 13, "one", {}, {a}},
      {"Max", 13, "integers", {}, {i, j}},
      {"Min", 13, "three", {}, {a, b, channel}},
      {"Min", 13, "integers", {}, {i, j}},
      {"Sum", 13, "three", {}, {a, b, channel}},
      {"Sum", 13, "one", {}, {a}},
      {"Mean", 13, "three", {}, {a, b, channel}},
  };
}

OpCases logic_cases() {
  const CaseInput a = data(counting(DataType::Int64, {2, 6}, -2, 2));
  const CaseInput b = constant(counting(DataType::Int64, {6}, -1, 1));
  const CaseInput x = data(normal({2, 6}, 1));
  const CaseInput p = data(counting(DataType::Bool, {2, 4}, 0, 1));
  const CaseInput q = constant(Tensor::from<bool>({4}, std::array{false, false, true, true}));
  return {
      {"Equal", 13, "integers", {}, {a, b}},
      {"Equal", 13, "bools", {}, {p, q}},
      {"Less", 13, "floats", {}, {x, constant(Tensor::scalar(0.1F))}},
      {"Less", 9, "integers", {}, {a, b}},
      {"LessOrEqual", 13, "integers", {}, {a, b}},
      {"Greater", 13, "integers", {}, {a, b}},
      {"Greater", 13, "floats", {}, {x, constant(Tensor::scalar(0.1F))}},
      {"GreaterOrEqual", 13, "integers", {}, {a, b}},
      {"And", 13, "broadcast", {}, {p, q}},
      {"Or", 13, "broadcast", {}, {p, q}},
      {"Xor", 13, "broadcast", {}, {p, q}},
      {"Not", 13, "bools", {}, {p}},
      {"Where",
       13,
       "floats broadcast",
       {},
       {data(counting(DataType::Bool, {2, 6}, 0, 1)), x, constant(Tensor::scalar(-3.0F))}},
      {"Where", 9, "integers", {}, {data(counting(DataType::Bool, {2, 6}, 0, 1)), a, b}},
  };
}

}  // namespace

OpCases arithmetic_cases() {
  OpCases all = unary_cases();
  for (const OpCases& more : {binary_cases(), logic_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace ompq::testing

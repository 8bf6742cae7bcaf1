#include "ops/op_case.h"

namespace ompq::testing {

OpCases reduction_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const CaseInput positive = data(uniform({2, 3, 4}, 0.2F, 2, 2));
  const CaseInput integers = data(counting(DataType::Int64, {2, 6}, -3, 4));
  const CaseInput ties =
      data(Tensor::from<float>({2, 4}, {1.0F, 3.0F, 3.0F, 2.0F, 0.0F, 0.0F, -1.0F, 0.0F}));
  OpCases cases{
      {"ReduceMean", 13, "spatial axes", {{"axes", Ints{2, 3}}, {"keepdims", 0}}, {x}},
      {"ReduceMean", 18, "axes in an input", {}, {x, constant_ints({-1, -2})}},
      OpCase{"ReduceMean", 13, "all axes", {}, {x}}.fixed_batch(),
      {"ReduceMean", 18, "no axes, no reduction", {{"noop_with_empty_axes", 1}}, {x}},
      {"ReduceSum", 11, "axes in an attribute", {{"axes", Ints{1}}}, {x}},
      {"ReduceSum", 13, "axes in an input", {{"keepdims", 0}}, {x, constant_ints({1, -1})}},
      {"ReduceSum", 13, "integers", {}, {integers, constant_ints({1})}},
      {"ReduceMax", 13, "channels", {{"axes", Ints{1}}}, {x}},
      {"ReduceMax", 13, "integers", {{"axes", Ints{1}}}, {integers}},
      {"ReduceMin", 13, "two axes", {{"axes", Ints{1, 3}}, {"keepdims", 0}}, {x}},
      {"ReduceProd", 13, "two axes", {{"axes", Ints{1, 2}}}, {positive}},
      {"ReduceProd", 13, "integers", {{"axes", Ints{1}}, {"keepdims", 0}}, {integers}},
      {"ReduceL1", 13, "last axis", {{"axes", Ints{-1}}}, {x}},
      {"ReduceL2", 13, "last axis", {{"axes", Ints{-1}}}, {x}},
      {"ReduceSumSquare", 13, "last axis", {{"axes", Ints{-1}}}, {x}},
      {"ReduceLogSum", 13, "last axis", {{"axes", Ints{-1}}}, {positive}},
      {"ReduceLogSumExp", 13, "last axis", {{"axes", Ints{-1}}}, {x}},
      {"CumSum", 14, "last axis", {}, {x, constant(Tensor::scalar<std::int64_t>(-1))}},
      {"CumSum",
       14,
       "exclusive",
       {{"exclusive", 1}},
       {x, constant(Tensor::scalar<std::int64_t>(2))}},
      {"CumSum", 14, "reverse", {{"reverse", 1}}, {x, constant(Tensor::scalar<std::int64_t>(1))}},
      {"CumSum",
       14,
       "exclusive and reverse",
       {{"exclusive", 1}, {"reverse", 1}},
       {x, constant(Tensor::scalar<std::int64_t>(1))}},
      {"ArgMax", 13, "channels", {{"axis", 1}}, {x}},
      {"ArgMax", 13, "first of equals", {{"axis", 1}, {"keepdims", 0}}, {ties}},
      {"ArgMax", 13, "last of equals", {{"axis", 1}, {"select_last_index", 1}}, {ties}},
      {"ArgMin", 13, "first of equals", {{"axis", -1}}, {ties}},
      {"ArgMin", 13, "last of equals", {{"axis", -1}, {"select_last_index", 1}}, {ties}},
      OpCase{"TopK", 11, "largest", {}, {x, constant_ints({3})}}.with_outputs(2),
      OpCase{"TopK",
             11,
             "smallest, along channels",
             {{"axis", 1}, {"largest", 0}},
             {x, constant_ints({2})}}
          .with_outputs(2),
      OpCase{"TopK", 11, "equals in order", {}, {ties, constant_ints({3})}}
          .with_outputs(2)
          .not_smooth(),
      OpCase{"TopK", 9, "k in an attribute", {{"k", 2}}, {x}}.with_outputs(2),
  };
  return cases;
}

}  // namespace ompq::testing

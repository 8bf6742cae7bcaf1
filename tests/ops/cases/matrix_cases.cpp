#include "ops/op_case.h"

namespace ompq::testing {

OpCases matrix_cases() {
  const CaseInput x = data(normal({3, 5}, 1));
  const CaseInput tokens = data(normal({2, 4, 6, 3}, 1));
  const CaseInput keys = data(normal({2, 4, 5, 3}, 2));
  return {
      {"Gemm", 13, "plain", {}, {x, constant(normal({5, 4}, 2))}},
      {"Gemm",
       7,
       "transposed weight, bias",
       {{"transB", 1}},
       {x, constant(normal({4, 5}, 2)), constant(normal({4}, 3))}},
      OpCase{"Gemm",
             13,
             "transposed input",
             {{"transA", 1}},
             {data(normal({5, 3}, 1)), constant(normal({5, 4}, 2))}}
          .fixed_batch(),
      {"Gemm",
       13,
       "alpha and beta",
       {{"alpha", 0.5F}, {"beta", 2.0F}},
       {x, constant(normal({5, 4}, 2)), constant(normal({4}, 3))}},
      {"Gemm", 13, "alpha without bias", {{"alpha", 0.5F}}, {x, constant(normal({5, 4}, 2))}},
      {"Gemm",
       13,
       "scalar bias",
       {},
       {x, constant(normal({5, 4}, 2)), constant(Tensor::scalar(0.5F))}},
      OpCase{"Gemm",
             13,
             "column bias",
             {},
             {x, constant(normal({5, 4}, 2)), constant(normal({3, 1}, 3))}}
          .fixed_batch(),
      {"MatMul", 13, "matrices", {}, {x, constant(normal({5, 4}, 2))}},
      {"MatMul",
       13,
       "tokens by a matrix",
       {},
       {data(normal({2, 4, 3}, 1)), constant(normal({3, 5}, 2))}},
      {"MatMul", 13, "batches", {}, {data(normal({2, 4, 3, 6}, 1)), data(normal({2, 4, 6, 5}, 2))}},
      {"MatMul",
       13,
       "broadcast batches",
       {},
       {data(normal({2, 1, 3, 6}, 1)), constant(normal({4, 6, 5}, 2))}},
      OpCase{"MatMul", 13, "vectors", {}, {data(normal({5}, 1)), constant(normal({5}, 2))}}
          .fixed_batch(),
      {"MatMul", 13, "matrix by vector", {}, {x, constant(normal({5}, 2))}},
      {"MatMul",
       13,
       "vector by matrix",
       {},
       {constant(normal({4}, 2)), data(normal({2, 4, 5}, 1))}},
      {"Einsum", 12, "attention scores", {{"equation", "bhid,bhjd->bhij"}}, {tokens, keys}},
      {"Einsum", 12, "implicit result", {{"equation", "ab, bc"}}, {x, constant(normal({5, 4}, 2))}},
      {"Einsum", 12, "sum over axes", {{"equation", "abcd->ac"}}, {tokens}},
      {"Einsum",
       12,
       "open leading axes",
       {{"equation", "...id,...jd->...ij"}},
       {data(normal({2, 4, 3}, 1)), data(normal({2, 5, 3}, 2))}},
      {"Einsum",
       13,
       "open axes of one operand",
       {{"equation", "...i, ij -> ...j"}},
       {tokens, constant(normal({3, 5}, 2))}},
      OpCase{"Einsum",
             14,
             "open axes that broadcast",
             {{"equation", "...ij,...jk->...ik"}},
             {data(normal({2, 3, 4, 5}, 1)), constant(normal({3, 5, 2}, 2))}}
          .not_judged("ONNX Runtime wants as many open axes in every term"),
      {"Einsum",
       15,
       "open axes without an arrow",
       {{"equation", "...ab,...b"}},
       {tokens, data(normal({2, 4, 3}, 2))}},
      OpCase{"FusedMatMul",
             13,
             "turned right operand, scaled",
             {{"transB", 1}, {"alpha", 0.25F}},
             {tokens, keys}}
          .of_microsoft(),
      OpCase{"FusedMatMul",
             17,
             "turned left operand",
             {{"transA", 1}},
             {data(normal({2, 6, 3}, 1)), data(normal({2, 6, 5}, 2))}}
          .of_microsoft(),
      {"Einsum", 12, "transposition", {{"equation", "bhid->bihd"}}, {tokens}},
  };
}

}  // namespace ompq::testing

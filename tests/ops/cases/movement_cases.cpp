#include <climits>

#include "ops/op_case.h"

namespace ompq::testing {
namespace {

OpCases joining_cases() {
  const CaseInput x = data(normal({2, 6, 4, 5}, 1));
  const CaseInput y = data(normal({2, 3, 4, 5}, 2));
  return {
      {"Concat", 13, "channels", {{"axis", 1}}, {x, y, x}},
      {"Concat", 13, "last axis", {{"axis", -1}}, {y, y}},
      {"Concat", 13, "one", {{"axis", 1}}, {y}},
      {"Concat", 13, "batches", {{"axis", 0}}, {y, y}},
      {"Concat", 13, "integers", {{"axis", 0}}, {constant_ints({1, 2}), constant_ints({3})}},
      OpCase{"Split", 11, "equal parts", {{"axis", 1}}, {x}}.with_outputs(2),
      OpCase{"Split", 11, "parts in an attribute", {{"axis", 1}, {"split", Ints{1, 3, 2}}}, {x}}
          .with_outputs(3),
      OpCase{"Split", 13, "parts in an input", {{"axis", 1}}, {x, constant_ints({4, 2})}}
          .with_outputs(2),
      OpCase{"Split", 13, "equal parts, newer", {{"axis", -1}}, {x}}.with_outputs(5),
      OpCase{"Split", 18, "num_outputs, uneven", {{"axis", 3}, {"num_outputs", 2}}, {x}}
          .with_outputs(2),
  };
}

OpCases reshaping_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const CaseInput thin = data(normal({2, 1, 4, 1}, 1));
  const CaseInput blocks = data(normal({2, 8, 3, 4}, 1));
  return {
      {"Reshape", 13, "open extent", {}, {x, constant_ints({0, -1})}},
      {"Reshape", 13, "batch open", {}, {x, constant_ints({-1, 12, 5})}},
      {"Reshape", 7, "zero copies", {}, {x, constant_ints({0, 0, 20})}},
      OpCase{"Reshape", 13, "fixed", {}, {x, constant_ints({6, 20})}}.fixed_batch(),
      OpCase{"Reshape",
             14,
             "allowzero",
             {{"allowzero", 1}},
             {data(Tensor(DataType::Float32, {0, 3})), constant_ints({3, 0})}}
          .fixed_batch(),
      {"Flatten", 13, "default", {}, {x}},
      {"Flatten", 13, "axis 2", {{"axis", 2}}, {x}},
      {"Flatten", 13, "axis 0", {{"axis", 0}}, {x}},
      {"Flatten", 13, "negative axis", {{"axis", -1}}, {x}},
      {"Squeeze", 11, "axes in an attribute", {{"axes", Ints{1}}}, {thin}},
      {"Squeeze", 13, "axes in an input", {}, {thin, constant_ints({-1, 1})}},
      OpCase{"Squeeze", 13, "every one", {}, {thin}}.fixed_batch(),
      {"Unsqueeze", 11, "axes in an attribute", {{"axes", Ints{1, 3}}}, {x}},
      {"Unsqueeze", 13, "axes in an input", {}, {x, constant_ints({-1, 0})}},
      {"Transpose", 13, "reversed", {}, {x}},
      {"Transpose", 13, "to channels last", {{"perm", Ints{0, 2, 3, 1}}}, {x}},
      {"Expand", 13, "both ways", {}, {data(normal({2, 1, 4}, 1)), constant_ints({3, 1})}},
      {"Expand", 13, "more axes", {}, {data(normal({3, 1}, 1)), constant_ints({2, 1, 4})}},
      {"Tile", 13, "channels", {}, {x, constant_ints({1, 2, 1, 3})}},
      {"Tile", 13, "batches", {}, {x, constant_ints({2, 1, 1, 1})}},
      {"DepthToSpace", 13, "DCR", {{"blocksize", 2}}, {blocks}},
      {"DepthToSpace", 13, "CRD", {{"blocksize", 2}, {"mode", "CRD"}}, {blocks}},
      {"SpaceToDepth", 13, "blocks of two", {{"blocksize", 2}}, {data(normal({2, 3, 4, 6}, 1))}},
  };
}

OpCases slicing_cases() {
  const CaseInput x = data(normal({2, 6, 7}, 1));
  const CaseInput indices = constant(Tensor::from<std::int64_t>({2, 3}, {0, -1, 2, 5, -6, 1}));
  const Ints first_rows{0, 1, 1, 5, 0, 2};
  const CaseInput rows = constant(Tensor::from<std::int64_t>({3, 2}, first_rows));
  return {
      {"Slice",
       9,
       "attributes",
       {{"starts", Ints{1, 2}}, {"ends", Ints{4, -1}}, {"axes", Ints{1, 2}}},
       {x}},
      {"Slice",
       13,
       "inputs",
       {},
       {x, constant_ints({1, -3}), constant_ints({INT64_MAX, INT64_MAX}), constant_ints({1, 2})}},
      {"Slice",
       13,
       "steps",
       {},
       {x,
        constant_ints({0, 1}),
        constant_ints({6, 100}),
        constant_ints({1, 2}),
        constant_ints({2, 3})}},
      {"Slice",
       13,
       "backwards",
       {},
       {x,
        constant_ints({-1}),
        constant_ints({INT64_MIN}),
        constant_ints({2}),
        constant_ints({-1})}},
      {"Slice",
       13,
       "backwards by two",
       {},
       {x, constant_ints({5}), constant_ints({0}), constant_ints({2}), constant_ints({-2})}},
      {"Slice",
       13,
       "backwards from beyond",
       {},
       {x, constant_ints({100}), constant_ints({-100}), constant_ints({1}), constant_ints({-4})}},
      {"Slice", 13, "empty", {}, {x, constant_ints({4}), constant_ints({2}), constant_ints({1})}},
      {"Slice",
       13,
       "first of the batch",
       {},
       {x, constant_ints({0}), constant_ints({1}), constant_ints({0})}},
      {"Slice",
       13,
       "all of the batch by bounds far beyond it",
       {},
       {x,
        constant_ints({-1'000'000'000, 0}),
        constant_ints({1'000'000'000, 1'000'000'000}),
        constant_ints({0, 1})}},
      {"Slice",
       13,
       "the batch backwards",
       {},
       {x,
        constant_ints({-1}),
        constant_ints({-INT64_MAX}),
        constant_ints({0}),
        constant_ints({-1})}},
      OpCase{"Slice", 13, "all axes", {}, {x, constant_ints({0, 1, 2}), constant_ints({2, 3, 4})}}
          .fixed_batch(),
      {"Gather", 13, "one", {{"axis", 1}}, {x, constant(Tensor::scalar<std::int64_t>(-2))}},
      {"Gather", 13, "matrix of indices", {{"axis", 1}}, {x, indices}},
      {"Gather", 13, "list", {{"axis", 2}}, {x, constant_ints({6, -7, 3})}},
      {"Gather",
       13,
       "embedding",
       {},
       {constant(normal({5, 4}, 2)), data(counting(DataType::Int64, {2, 3}, -5, 4))}},
      OpCase{"GatherElements", 13, "last axis", {{"axis", 1}}, {data(normal({2, 6}, 1)), indices}}
          .fixed_batch(),
      OpCase{"GatherND", 13, "elements", {}, {x, rows}}.fixed_batch(),
      OpCase{
          "GatherND", 13, "slices", {}, {x, constant(Tensor::from<std::int64_t>({2, 1}, {1, -1}))}}
          .fixed_batch(),
      OpCase{"Scatter",
             9,
             "the older name",
             {{"axis", 1}},
             {data(normal({2, 6}, 1)),
              constant(Tensor::from<std::int64_t>({2, 2}, {0, 1, 3, 2})),
              data(normal({2, 2}, 2))}}
          .fixed_batch(),
      OpCase{"ScatterElements",
             18,
             "none",
             {{"axis", 1}},
             {data(normal({2, 6}, 1)),
              constant(Tensor::from<std::int64_t>({2, 2}, {0, -1, 3, 2})),
              data(normal({2, 2}, 2))}}
          .fixed_batch(),
      OpCase{"ScatterElements",
             18,
             "add",
             {{"axis", 1}, {"reduction", "add"}},
             {data(normal({2, 6}, 1)),
              constant(Tensor::from<std::int64_t>({2, 2}, {0, 0, 3, 2})),
              data(normal({2, 2}, 2))}}
          .fixed_batch(),
      {"GatherND",
       13,
       "axes that data and indices share",
       {{"batch_dims", 1}},
       {data(normal({2, 3, 4}, 1)), data(counting(DataType::Int64, {2, 2, 1}, -1, 2))}},
      OpCase{"ScatterElements",
             18,
             "the larger",
             {{"axis", 1}, {"reduction", "max"}},
             {data(normal({2, 6}, 1)),
              constant(Tensor::from<std::int64_t>({2, 2}, {0, 1, 3, 2})),
              data(normal({2, 2}, 2))}}
          .fixed_batch(),
      OpCase{
          "ScatterND", 18, "products", {{"reduction", "mul"}}, {x, rows, data(normal({3, 7}, 2))}}
          .fixed_batch(),
      OpCase{"ScatterND", 18, "slices", {}, {x, rows, data(normal({3, 7}, 2))}}.fixed_batch(),
      OpCase{
          "ScatterND",
          18,
          "add",
          {{"reduction", "add"}},
          {x, constant(Tensor::from<std::int64_t>({2, 2}, {0, 1, 0, 1})), data(normal({2, 7}, 2))}}
          .fixed_batch(),
      {"Trilu", 14, "upper", {}, {data(normal({2, 4, 5}, 1))}},
      {"Trilu",
       14,
       "lower, shifted",
       {{"upper", 0}},
       {data(normal({2, 4, 5}, 1)), constant(Tensor::scalar<std::int64_t>(-1))}},
  };
}

}  // namespace

OpCases movement_cases() {
  OpCases all = joining_cases();
  for (const OpCases& more : {reshaping_cases(), slicing_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

OpCases padding_cases() {
  const CaseInput x = data(normal({2, 3, 4, 5}, 1));
  const Ints frame{0, 0, 1, 2, 0, 0, 3, 1};
  return {
      {"Pad", 10, "attributes", {{"pads", frame}, {"value", 0.5F}}, {x}},
      {"Pad", 13, "zeros", {}, {x, constant_ints(frame)}},
      {"Pad", 13, "value", {}, {x, constant_ints(frame), constant(Tensor::scalar(-1.5F))}},
      {"Pad", 13, "negative pads cut", {}, {x, constant_ints({0, 0, -1, 1, 0, 0, 0, -2})}},
      {"Pad", 13, "reflect", {{"mode", "reflect"}}, {x, constant_ints({0, 0, 2, 4, 0, 0, 3, 1})}},
      {"Pad", 10, "reflect in attributes", {{"mode", "reflect"}, {"pads", frame}}, {x}},
      {"Pad", 13, "edge", {{"mode", "edge"}}, {x, constant_ints({0, 0, 6, 0, 0, 0, 1, 7})}},
      {"Pad", 19, "wrap", {{"mode", "wrap"}}, {x, constant_ints({0, 0, 2, 1, 0, 0, 3, 4})}},
      {"Pad",
       18,
       "named axes",
       {},
       {x, constant_ints({1, 2, 3, 4}), absent(), constant_ints({-1, 1})}},
  };
}

}  // namespace ompq::testing

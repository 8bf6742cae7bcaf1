#include "ops/op_case.h"

namespace ompq::testing {

OpCases sequence_cases() {
  const CaseInput x = data(normal({2, 3, 4}, 1));
  const CaseInput depth = constant_ints({5});
  const CaseInput off_on = constant_floats({-1, 2});
  const CaseInput ids = data(counting(DataType::Int64, {2, 3}, -2, 6));
  return {
      {"OneHot", 11, "last axis, some beyond the depth", {}, {ids, depth, off_on}},
      {"OneHot", 11, "in the middle", {{"axis", 1}}, {ids, depth, off_on}},
      OpCase{"OneHot",
             11,
             "in front, whole float depth",
             {{"axis", 0}},
             {ids, constant(Tensor::scalar(4.0F)), off_on}}
          .fixed_batch(),
      OpCase{"EyeLike", 9, "wide", {}, {data(normal({3, 5}, 1))}}.not_smooth(),
      OpCase{"EyeLike",
             9,
             "above the diagonal, integers",
             {{"k", 1}, {"dtype", 7}},
             {data(normal({3, 5}, 1))}}
          .not_smooth(),
      OpCase{"EyeLike", 9, "below the diagonal", {{"k", -1}}, {data(normal({4, 3}, 1))}}
          .not_smooth(),
      OpCase{"ReverseSequence", 10, "time first", {}, {x, constant_ints({1, 2, 2})}}.fixed_batch(),
      OpCase{"ReverseSequence",
             10,
             "batch first",
             {{"batch_axis", 0}, {"time_axis", 1}},
             {x, constant_ints({3, 2})}}
          .fixed_batch(),
      {"Compress",
       11,
       "along an axis",
       {{"axis", 1}},
       {x, constant(Tensor::from<std::uint8_t>({2}, {0, 1}).converted_to(DataType::Bool))}},
      OpCase{
          "Compress",
          11,
          "flat",
          {},
          {x,
           constant(Tensor::from<std::uint8_t>({5}, {0, 1, 1, 0, 1}).converted_to(DataType::Bool))}}
          .fixed_batch(),
      {"NonZero", 13, "constant", {}, {constant(counting(DataType::Int64, {3, 4}, 0, 2))}},
      {"Det", 11, "stacks of matrices", {}, {data(normal({2, 3, 4, 4}, 3))}},
      OpCase{"Det", 11, "one matrix", {}, {data(normal({4, 4}, 3))}}.fixed_batch(),
      {"CumProd", 26, "plain", {}, {x, constant(Tensor::scalar<std::int64_t>(1))}},
      {"CumProd",
       26,
       "exclusive and backwards",
       {{"exclusive", 1}, {"reverse", 1}},
       {x, constant(Tensor::scalar<std::int64_t>(-1))}},
  };
}

OpCases recurrent_cases() {
  const CaseInput x = data(normal({5, 2, 3}, 1));  // 5 steps, 2 sequences of 3 numbers
  const CaseInput lengths = constant(Tensor::from<std::int32_t>({2}, {3, 5}));
  const auto weights = [](std::int64_t directions, std::int64_t gates) {
    return std::vector<CaseInput>{constant(normal({directions, 4 * gates, 3}, 2)),
                                  constant(normal({directions, 4 * gates, 4}, 3))};
  };
  const auto with =
      [](CaseInput first, std::vector<CaseInput> rest, std::vector<CaseInput> more = {}) {
        std::vector<CaseInput> all{std::move(first)};
        all.insert(all.end(), rest.begin(), rest.end());
        all.insert(all.end(), more.begin(), more.end());
        return all;
      };
  const std::map<std::string, graph::Attribute> hidden{{"hidden_size", 4}};
  const auto and_attributes = [&](std::map<std::string, graph::Attribute> more) {
    more.insert(hidden.begin(), hidden.end());
    return more;
  };
  return {
      OpCase{"LSTM", 14, "forward", hidden, with(x, weights(1, 4))}.with_outputs(3).fixed_batch(),
      OpCase{"LSTM",
             7,
             "both directions, biases, lengths, first states and peepholes",
             and_attributes({{"direction", "bidirectional"}}),
             with(x,
                  weights(2, 4),
                  {constant(normal({2, 32}, 4)),
                   lengths,
                   data(normal({2, 2, 4}, 5)),
                   data(normal({2, 2, 4}, 6)),
                   constant(normal({2, 12}, 7))})}
          .with_outputs(3)
          .fixed_batch(),
      OpCase{"LSTM",
             14,
             "backwards with a clip",
             and_attributes({{"direction", "reverse"}, {"clip", 0.7F}}),
             with(x, weights(1, 4), {constant(normal({1, 32}, 4))})}
          .with_outputs(3)
          .fixed_batch(),
      OpCase{"GRU", 14, "forward", hidden, with(x, weights(1, 3))}.with_outputs(2).fixed_batch(),
      OpCase{"GRU",
             14,
             "reset after the product, both directions, biases and lengths",
             and_attributes({{"direction", "bidirectional"}, {"linear_before_reset", 1}}),
             with(x, weights(2, 3), {constant(normal({2, 24}, 4)), lengths})}
          .with_outputs(2)
          .fixed_batch(),
      OpCase{"RNN", 14, "forward", hidden, with(x, weights(1, 1))}.with_outputs(2).fixed_batch(),
      OpCase{"RNN",
             14,
             "named activations",
             and_attributes({{"direction", "bidirectional"},
                             {"activations", std::vector<std::string>{"Relu", "Sigmoid"}}}),
             with(x, weights(2, 1), {constant(normal({2, 8}, 4))})}
          .with_outputs(2)
          .fixed_batch(),
      OpCase{"GRU",
             14,
             "sequences first",
             and_attributes({{"layout", 1}}),
             with(data(normal({2, 5, 3}, 1)), weights(1, 3))}
          .with_outputs(2)
          .not_judged("ONNX Runtime's kernel has no layout 1"),
  };
}

OpCases attention_cases() {
  const CaseInput query = data(normal({2, 4, 5, 6}, 1));
  const CaseInput keys = data(normal({2, 4, 7, 6}, 2));
  const CaseInput values = data(normal({2, 4, 7, 3}, 3));
  const CaseInput mask =
      constant(counting(DataType::Int64, {1, 1, 5, 7}, 0, 2).converted_to(DataType::Bool));
  const CaseInput cosines = constant(uniform({9, 3}, -1, 1, 4));
  const CaseInput sines = constant(uniform({9, 3}, -1, 1, 5));
  const CaseInput places = data(counting(DataType::Int64, {2, 5}, 0, 8));
  return {
      {"Attention", 23, "four axes", {}, {query, keys, values}},
      {"Attention",
       23,
       "scale and a mask of booleans",
       {{"scale", 0.3F}},
       {query, keys, values, mask}},
      {"Attention",
       23,
       "three axes, shared keys, causal",
       {{"q_num_heads", 4}, {"kv_num_heads", 2}, {"is_causal", 1}},
       {data(normal({2, 5, 24}, 1)), data(normal({2, 5, 12}, 2)), data(normal({2, 5, 8}, 3))}},
      {"Attention",
       23,
       "a mask that is added",
       {},
       {query, keys, values, constant(normal({5, 7}, 4))}},
      {"RotaryEmbedding", 23, "halves", {}, {query, cosines, sines, places}},
      {"RotaryEmbedding",
       23,
       "neighbours, three axes",
       {{"interleaved", 1}, {"num_heads", 4}},
       {data(normal({2, 5, 24}, 1)), cosines, sines, places}},
      {"RotaryEmbedding",
       23,
       "a part of the width",
       {{"rotary_embedding_dim", 4}},
       {query, constant(uniform({9, 2}, -1, 1, 4)), constant(uniform({9, 2}, -1, 1, 5)), places}},
  };
}

}  // namespace ompq::testing

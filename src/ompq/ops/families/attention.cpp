#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

/// Attention and RotaryEmbedding of opset 23 and later.
namespace ompq::ops {
namespace {

// --- Attention -----------------------------------------------------------------------------------

constexpr std::size_t kMask = 3;

UnsupportedReason check_attention(const OpContext& context, Facts inputs) {
  static constexpr std::string_view kNames[] = {"past_key", "past_value", "nonpad_kv_seqlen"};
  for (std::size_t i = 4; i <= 6; ++i) {
    if (has(inputs, i)) {
      return fmt::format(
          "its {} is not supported; export the network without a cache of keys and "
          "values",
          kNames[i - 4]);
    }
  }
  if (context.node.float_attribute("softcap", 0.0F) != 0.0F) return "softcap is not supported";
  for (const char* window : {"left_window_size", "right_window_size"}) {
    if (context.node.int_attribute(window, -1) >= 0) {
      return fmt::format("{} is not supported", window);
    }
  }
  const InputFacts& query = fact(inputs, 0);
  const bool flat = query.known && rank_of(query) == 3;
  if (flat && (context.node.int_attribute("q_num_heads", 0) < 1 ||
               context.node.int_attribute("kv_num_heads", 0) < 1)) {
    return "q_num_heads or kv_num_heads is missing, which inputs of three axes need";
  }
  if (query.known && rank_of(query) != 3 && rank_of(query) != 4) {
    return fmt::format("its input has shape {}; it must have three or four axes",
                       graph::to_string(query.shape));
  }
  return needs_float(context, inputs);
}

/// [batch, heads, positions, width] for an operand of three or four axes.
Shape split_heads(const OpContext& context, const Shape& shape, const char* heads) {
  if (shape.size() == 4) return shape;
  const std::int64_t count = context.node.int_attribute(heads, 1);
  if (shape.size() != 3 || !shape[2].is_fixed() || shape[2].size % count != 0) {
    fail(context,
         fmt::format("shape {} does not divide into {} heads", graph::to_string(shape), count));
  }
  return {shape[0], Dim::fixed(count), shape[1], Dim::fixed(shape[2].size / count)};
}

OutputList infer_attention(const OpContext& context, Facts inputs) {
  const Shape query = split_heads(context, inputs[0].shape, "q_num_heads");
  const Shape key = split_heads(context, inputs[1].shape, "kv_num_heads");
  const Shape value = split_heads(context, inputs[2].shape, "kv_num_heads");
  const bool fits = same(query[3], key[3]) && same(key[2], value[2]) && same(key[1], value[1]) &&
                    key[1].size > 0 && query[1].size % key[1].size == 0;
  if (!fits) {
    fail(context,
         fmt::format("query {}, key {} and value {} do not fit",
                     graph::to_string(inputs[0].shape),
                     graph::to_string(inputs[1].shape),
                     graph::to_string(inputs[2].shape)));
  }
  if (context.node.int_attribute("is_causal", 0) != 0 && !same(query[2], key[2])) {
    fail(context, "is_causal needs as many keys as queries");
  }
  if (has(inputs, kMask)) {
    const Shape scores{query[0], query[1], query[2], key[2]};
    if (broadcast(context, scores, inputs[kMask].shape) != scores) {
      fail(context,
           fmt::format("a mask of shape {} does not fit scores of shape {}",
                       graph::to_string(inputs[kMask].shape),
                       graph::to_string(scores)));
    }
  }
  Shape result{query[0], query[1], query[2], value[3]};
  if (inputs[0].shape.size() == 3) {
    result = {query[0], query[2], Dim::fixed(query[1].size * value[3].size)};
  }
  return {output(inputs[0].type, std::move(result))};
}

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  if (x.dim() == 4) return x;
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor masked(const OpContext& context, at::Tensor scores, const at::Tensor& mask) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  if (mask.defined()) {
    scores = mask.scalar_type() == at::kBool ? scores.masked_fill(at::logical_not(mask), kNever)
                                             : scores + mask;
  }
  if (context.node.int_attribute("is_causal", 0) == 0) return scores;
  const at::Tensor later = at::ones({scores.size(-2), scores.size(-1)}, at::kBool).triu(1);
  return scores.masked_fill(later.to(scores.device()), kNever);
}

Outputs run_attention(const OpContext& context, Inputs inputs) {
  const graph::Node& node = context.node;
  const at::Tensor query = split_heads(inputs[0], node.int_attribute("q_num_heads", 1));
  at::Tensor key = split_heads(inputs[1], node.int_attribute("kv_num_heads", 1));
  at::Tensor value = split_heads(inputs[2], node.int_attribute("kv_num_heads", 1));
  const std::int64_t shared = query.size(1) / key.size(1);
  if (shared > 1) {  // several query heads share one key head
    key = key.repeat_interleave(shared, 1);
    value = value.repeat_interleave(shared, 1);
  }
  const float plain = 1.0F / std::sqrt(static_cast<float>(query.size(3)));
  const float scale = node.float_attribute("scale", plain);
  const at::Tensor scores =
      masked(context, at::matmul(query * scale, key.transpose(-1, -2)), input(inputs, kMask));
  at::Tensor result = at::matmul(at::softmax(scores, -1), value);
  if (inputs[0].dim() == 4) return {result};
  return {result.transpose(1, 2).reshape({query.size(0), query.size(2), -1})};
}

// --- RotaryEmbedding -----------------------------------------------------------------------------

UnsupportedReason check_rotary(const OpContext& context, Facts inputs) {
  const InputFacts& x = fact(inputs, 0);
  if (x.known && rank_of(x) == 3 && context.node.int_attribute("num_heads", 0) < 1) {
    return "num_heads is missing, which inputs of three axes need";
  }
  if (x.known && rank_of(x) != 3 && rank_of(x) != 4) {
    return fmt::format("its input has shape {}; it must have three or four axes",
                       graph::to_string(x.shape));
  }
  return needs_float(context, inputs);
}

/// The cache's rows for each position: [batch, 1, positions, width / 2].
at::Tensor angles(const at::Tensor& cache, const at::Tensor& positions) {
  const at::Tensor rows = positions.defined()
                              ? at::index_select(cache, 0, positions.to(at::kLong).reshape({-1}))
                                    .reshape({positions.size(0), positions.size(1), cache.size(-1)})
                              : cache;
  return rows.unsqueeze(1);
}

Outputs run_rotary(const OpContext& context, Inputs inputs) {
  const graph::Node& node = context.node;
  const at::Tensor x = split_heads(inputs[0], node.int_attribute("num_heads", 1));
  const std::int64_t asked = node.int_attribute("rotary_embedding_dim", 0);
  const std::int64_t width = asked == 0 ? x.size(3) : asked;
  const bool interleaved = node.int_attribute("interleaved", 0) != 0;
  const at::Tensor turned = x.narrow(3, 0, width);
  const at::Tensor left =
      interleaved ? at::slice(turned, 3, 0, width, 2) : turned.narrow(3, 0, width / 2);
  const at::Tensor right =
      interleaved ? at::slice(turned, 3, 1, width, 2) : turned.narrow(3, width / 2, width / 2);
  const at::Tensor cosine = angles(inputs[1], input(inputs, 3)).narrow(-1, 0, width / 2);
  const at::Tensor sine = angles(inputs[2], input(inputs, 3)).narrow(-1, 0, width / 2);
  const at::Tensor real = cosine * left - sine * right;
  const at::Tensor imaginary = sine * left + cosine * right;
  at::Tensor result =
      interleaved ? at::stack({real, imaginary}, -1).flatten(-2) : at::cat({real, imaginary}, -1);
  if (width < x.size(3)) result = at::cat({result, x.narrow(3, width, x.size(3) - width)}, -1);
  if (inputs[0].dim() == 4) return {result};
  return {result.transpose(1, 2).reshape(inputs[0].sizes())};
}

}  // namespace

std::span<const Operator> attention_operators() {
  static constexpr Operator kRows[] = {
      {"Attention", "", 23, 3, 1, check_attention, infer_attention, in_float32<run_attention>},
      {"RotaryEmbedding", "", 23, 3, 1, check_rotary, same_as_first, in_float32<run_rotary>},
  };
  return kRows;
}

}  // namespace ompq::ops

#include <cmath>

#include <fmt/format.h>

#include "support/zoo_parts.h"

namespace ompq::testing::zoo {

using graph::Dim;
using graph::Shape;
using graph::ValueId;

namespace {

constexpr std::int64_t kPatch = 8;
constexpr std::int64_t kHeads = 4;

/// The transformer, in the words that an exporter would write it in.
class Transformer {
 public:
  explicit Transformer(const Options& options)
      : options_(options),
        b_("vision_transformer", options.seed, 17),
        width_(scaled(64, options)),
        tokens_((options.image_size / kPatch) * (options.image_size / kPatch) + 1) {}

  graph::Graph build() {
    ValueId x = embed(image(b_, options_));
    for (int i = 0; i < 2; ++i) x = block(fmt::format("blocks.{}", i), x);
    x = layer_norm("norm", x);
    x = pick("head.token", x, 0, 1, {Dim::batch(), Dim::fixed(width_)});
    return b_.finish({b_.gemm("head", x, options_.classes)});
  }

 private:
  ValueId ints(const std::string& name, const std::vector<std::int64_t>& values) {
    return b_.constant(name, Tensor::from({static_cast<std::int64_t>(values.size())}, values));
  }

  /// x[..., index, ...] on `axis`, the axis gone.
  ValueId pick(
      const std::string& name, ValueId x, std::int64_t index, std::int64_t axis, Shape to) {
    const ValueId at = b_.constant(name + ".index", Tensor::scalar(index));
    graph::Node node{.name = name, .op_type = "Gather", .inputs = {x, at}};
    node.attributes["axis"] = axis;
    const DataType type = b_.graph().value(x).type;
    return b_.op(std::move(node), std::move(to), type);
  }

  /// [batch of x, tail...] as exporters ask for it: Shape, Gather, Unsqueeze, Concat.
  ValueId batch_and(const std::string& name, ValueId x, const std::vector<std::int64_t>& tail) {
    const auto rank = static_cast<std::int64_t>(b_.shape(x).size());
    const ValueId shape = b_.op({.name = name + ".shape", .op_type = "Shape", .inputs = {x}},
                                {Dim::fixed(rank)},
                                DataType::Int64);
    const ValueId batch = pick(name + ".batch", shape, 0, 0, {});
    const ValueId listed = b_.op({.name = name + ".unsqueeze",
                                  .op_type = "Unsqueeze",
                                  .inputs = {batch, ints(name + ".axes", {0})}},
                                 {Dim::fixed(1)},
                                 DataType::Int64);
    return b_.concat(name + ".concat", {listed, ints(name + ".tail", tail)}, 0);
  }

  ValueId reshape_to(const std::string& name, ValueId x, const std::vector<std::int64_t>& tail) {
    Shape to{Dim::batch()};
    for (const std::int64_t extent : tail) to.push_back(Dim::fixed(extent));
    const ValueId target = batch_and(name, x, tail);
    return b_.op({.name = name, .op_type = "Reshape", .inputs = {x, target}}, std::move(to));
  }

  ValueId embed(ValueId x) {
    const ConvOptions patches{
        .out = width_, .kernel = kPatch, .stride = kPatch, .pads = {0, 0, 0, 0}, .bias = true};
    x = b_.conv("patch_embed.proj", x, patches);
    x = reshape_to("patch_embed.flatten", x, {width_, tokens_ - 1});
    x = b_.transpose("patch_embed.transpose", x, {0, 2, 1});
    const ValueId token = b_.normal_constant("cls_token", {1, 1, width_}, 0.5);
    const ValueId each = b_.op({.name = "cls_token.expand",
                                .op_type = "Expand",
                                .inputs = {token, batch_and("cls_token.target", x, {1, width_})}},
                               {Dim::batch(), Dim::fixed(1), Dim::fixed(width_)});
    x = b_.concat("tokens", {each, x}, 1);
    return b_.add("pos_embed.add", x, b_.normal_constant("pos_embed", {1, tokens_, width_}, 0.3));
  }

  ValueId layer_norm(const std::string& name, ValueId x) {
    graph::Node node{.name = name, .op_type = "LayerNormalization"};
    node.inputs = {x,
                   b_.normal_constant(name + ".weight", {width_}, 0.1, 1.0),
                   b_.normal_constant(name + ".bias", {width_}, 0.1)};
    node.attributes["axis"] = std::int64_t{-1};
    node.attributes["epsilon"] = 1e-6F;
    return b_.op(std::move(node), b_.shape(x));
  }

  ValueId attention(const std::string& name, ValueId x) {
    const std::int64_t depth = width_ / kHeads;
    x = b_.linear(name + ".qkv", x, 3 * width_);
    x = reshape_to(name + ".split", x, {tokens_, 3, kHeads, depth});
    x = b_.transpose(name + ".heads", x, {2, 0, 3, 1, 4});
    const Shape one{Dim::batch(), Dim::fixed(kHeads), Dim::fixed(tokens_), Dim::fixed(depth)};
    const ValueId query = pick(name + ".query", x, 0, 0, one);
    const ValueId key = pick(name + ".key", x, 1, 0, one);
    const ValueId value = pick(name + ".value", x, 2, 0, one);
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(depth)));
    ValueId y = b_.binary(
        "Mul", name + ".scale", query, b_.constant(name + ".scale.factor", Tensor::scalar(scale)));
    y = b_.matmul(name + ".scores", y, b_.transpose(name + ".key_t", key, {0, 1, 3, 2}));
    graph::Node softmax{.name = name + ".softmax", .op_type = "Softmax", .inputs = {y}};
    softmax.attributes["axis"] = std::int64_t{-1};
    y = b_.op(std::move(softmax), b_.shape(y));
    y = b_.matmul(name + ".context", y, value);
    y = b_.transpose(name + ".join", y, {0, 2, 1, 3});
    y = reshape_to(name + ".merge", y, {tokens_, width_});
    return b_.linear(name + ".proj", y, width_);
  }

  /// x * (1 + erf(x / sqrt 2)) / 2.
  ValueId gelu(const std::string& name, ValueId x) {
    const auto number = [&](const std::string& what, float value) {
      return b_.constant(name + "." + what, Tensor::scalar(value));
    };
    ValueId y = b_.binary("Div", name + ".div", x, number("sqrt2", std::sqrt(2.0F)));
    y = b_.unary("Erf", name + ".erf", y);
    y = b_.add(name + ".add", y, number("one", 1.0F));
    y = b_.binary("Mul", name + ".mul", x, y);
    return b_.binary("Mul", name + ".mul_1", y, number("half", 0.5F));
  }

  ValueId block(const std::string& name, ValueId x) {
    x = b_.add(name + ".add", x, attention(name + ".attn", layer_norm(name + ".norm1", x)));
    ValueId y = b_.linear(name + ".mlp.fc1", layer_norm(name + ".norm2", x), 4 * width_);
    y = b_.linear(name + ".mlp.fc2", gelu(name + ".mlp.act", y), width_);
    return b_.add(name + ".add_1", x, y);
  }

  Options options_;
  GraphBuilder b_;
  std::int64_t width_;
  std::int64_t tokens_;
};

}  // namespace

graph::Graph vision_transformer(const Options& options) { return Transformer(options).build(); }

}  // namespace ompq::testing::zoo

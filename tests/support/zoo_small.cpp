#include <fmt/format.h>

#include "support/zoo_parts.h"

namespace ompq::testing::zoo {

using graph::ValueId;

namespace {

ValueId conv_norm_relu(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t out) {
  const ValueId y = b.norm(name + ".norm", b.conv(name + ".conv", x, {.out = out, .kernel = 3}));
  return b.relu(name + ".relu", y);
}

ValueId double_conv(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t out) {
  return conv_norm_relu(b, name + ".1", conv_norm_relu(b, name + ".0", x, out), out);
}

ValueId up(GraphBuilder& b, const std::string& name, ValueId x, ValueId skip) {
  const std::int64_t out = b.channels(skip);
  const ValueId larger =
      b.conv_transpose(name + ".up", x, {.out = out, .kernel = 2, .stride = 2, .bias = true});
  return double_conv(b, name, b.concat(name + ".concat", {skip, larger}, 1), out);
}

ValueId fire(GraphBuilder& b,
             const std::string& name,
             ValueId x,
             std::int64_t squeeze,
             std::int64_t expand) {
  x = b.conv(name + ".squeeze", x, {.out = squeeze, .bias = true});
  x = b.relu(name + ".squeeze_relu", x);
  const ValueId narrow = b.relu(name + ".expand1x1_relu",
                                b.conv(name + ".expand1x1", x, {.out = expand, .bias = true}));
  const ValueId wide =
      b.relu(name + ".expand3x3_relu",
             b.conv(name + ".expand3x3", x, {.out = expand, .kernel = 3, .bias = true}));
  return b.concat(name + ".concat", {narrow, wide}, 1);
}

ValueId silu(GraphBuilder& b, const std::string& name, ValueId x) {
  return b.binary("Mul", name + ".mul", x, b.unary("Sigmoid", name + ".sigmoid", x));
}

ValueId squeeze_excite(GraphBuilder& b, const std::string& name, ValueId x) {
  ValueId s = b.global_average_pool(name + ".pool", x);
  s = b.conv(name + ".reduce", s, {.out = 8, .bias = true});
  s = b.conv(name + ".expand", silu(b, name + ".act", s), {.out = b.channels(x), .bias = true});
  return b.binary("Mul", name + ".mul", x, b.unary("Sigmoid", name + ".gate", s));
}

ValueId excited_inverted_residual(GraphBuilder& b,
                                  const std::string& name,
                                  ValueId x,
                                  std::int64_t out,
                                  std::int64_t stride,
                                  bool skip) {
  const std::int64_t inner = 4 * b.channels(x);
  ValueId y = b.norm(name + ".norm1", b.conv(name + ".expand", x, {.out = inner}));
  y = silu(b, name + ".act1", y);
  y = b.conv(
      name + ".depthwise", y, {.out = inner, .kernel = 3, .stride = stride, .groups = inner});
  y = silu(b, name + ".act2", b.norm(name + ".norm2", y));
  y = b.conv(name + ".project", squeeze_excite(b, name + ".se", y), {.out = out});
  y = b.norm(name + ".norm3", y);
  return skip ? b.add(name + ".add", y, x) : y;
}

}  // namespace

graph::Graph unet(const Options& options) {
  GraphBuilder b("unet", options.seed);
  const std::int64_t width = scaled(16, options);
  const ValueId level1 = double_conv(b, "down1", image(b, options), width);
  const ValueId level2 = double_conv(b, "down2", b.max_pool("pool1", level1, 2, 2, 0), 2 * width);
  ValueId x = double_conv(b, "middle", b.max_pool("pool2", level2, 2, 2, 0), 4 * width);
  x = up(b, "up2", x, level2);
  x = up(b, "up1", x, level1);
  return b.finish({b.conv("head", x, {.out = options.classes, .bias = true})});
}

graph::Graph squeeze_net(const Options& options) {
  GraphBuilder b("squeeze_net", options.seed);
  const std::int64_t width = scaled(32, options);
  ValueId x = b.conv("conv1", image(b, options), {.out = width, .kernel = 3, .bias = true});
  x = b.max_pool("pool1", b.relu("conv1_relu", x), 3, 2, 0);
  x = fire(b, "fire2", x, width / 2, width);
  x = fire(b, "fire3", x, width / 2, width);
  x = b.max_pool("pool3", x, 3, 2, 0);
  x = fire(b, "fire4", x, width, 2 * width);
  x = b.relu("conv10_relu", b.conv("conv10", x, {.out = options.classes, .bias = true}));
  return b.finish({b.flatten("flatten", b.global_average_pool("avgpool", x))});
}

graph::Graph efficient_net(const Options& options) {
  GraphBuilder b("efficient_net", options.seed);
  const std::int64_t width = scaled(16, options);
  ValueId x = b.conv("stem", image(b, options), {.out = width, .kernel = 3, .stride = 2});
  x = silu(b, "stem.act", b.norm("stem.norm", x));
  x = b.norm("narrow.norm", b.conv("narrow", x, {.out = width}));
  x = excited_inverted_residual(b, "block0", x, width, 1, true);
  x = excited_inverted_residual(b, "block1", x, 2 * width, 2, false);
  x = b.norm("head.norm", b.conv("head", x, {.out = 4 * width}));
  return b.finish({classifier(b, "classifier", silu(b, "head.act", x), options)});
}

graph::Graph assorted(const Options& options) {
  GraphBuilder b("assorted", options.seed, 14);  // HardSwish
  const std::int64_t width = scaled(16, options);
  ValueId x = b.pad("stem.pad", image(b, options), {0, 0, 1, 1});
  x = b.conv("stem", x, {.out = width, .kernel = 3, .stride = 2, .pads = {0, 0, 0, 0}});
  x = b.unary("HardSwish", "stem.act", b.norm("stem.norm", x));
  x = b.conv("grouped", x, {.out = 2 * width, .kernel = 3, .groups = 4});
  x = b.unary("LeakyRelu", "grouped.act", b.norm("grouped.norm", x));
  x = b.conv("depthwise", x, {.out = 2 * width, .kernel = 5, .groups = 2 * width, .bias = true});
  x = b.conv("dilated", x, {.out = width, .kernel = 3, .dilation = 2});
  x = b.relu("dilated.act", x);
  const ValueId left =
      b.conv("asymmetric", x, {.out = width, .kernel = 2, .pads = {1, 0, 0, 1}, .bias = true});
  const ValueId right = b.conv("right", x, {.out = width, .bias = true});
  const ValueId joined =
      b.concat("concat", {b.relu("left.act", left), b.unary("Sigmoid", "right.act", right)}, 1);
  const ValueId larger = b.conv_transpose("larger",
                                          joined,
                                          {.out = width,
                                           .kernel = 3,
                                           .stride = 2,
                                           .pads = {1, 1, 1, 1},
                                           .groups = 2,
                                           .output_padding = 1});
  const ValueId map = b.relu("larger.act", b.norm("larger.norm", larger));
  return b.finish({classifier(b, "classifier", joined, options), map});
}

graph::Graph deep_resnet(int blocks, const Options& options) {
  GraphBuilder b("deep_resnet", options.seed);
  constexpr std::int64_t kWidth = 8;
  ValueId x = conv_norm_relu(b, "stem", image(b, options), kWidth);
  for (int i = 0; i < blocks; ++i) {
    const std::string name = fmt::format("block{}", i);
    ValueId y = conv_norm_relu(b, name + ".0", x, kWidth);
    y = b.norm(name + ".1.norm", b.conv(name + ".1.conv", y, {.out = kWidth, .kernel = 3}));
    x = b.relu(name + ".relu", b.add(name + ".add", x, y));
  }
  return b.finish({classifier(b, "classifier", x, options)});
}

}  // namespace ompq::testing::zoo

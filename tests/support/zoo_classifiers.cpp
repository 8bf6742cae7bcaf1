#include <limits>

#include <fmt/format.h>

#include "support/zoo_parts.h"

namespace ompq::testing::zoo {

using graph::Dim;
using graph::ValueId;

namespace {

struct Stage {
  std::int64_t channels;
  int blocks;
  std::int64_t stride;
};

/// The shortcut of a residual block: the value itself, or a strided 1x1 convolution.
ValueId shortcut(
    GraphBuilder& b, const std::string& name, ValueId x, std::int64_t out, std::int64_t stride) {
  if (stride == 1 && b.channels(x) == out) return x;
  const ValueId y = b.conv(name + ".downsample.0", x, {.out = out, .stride = stride});
  return b.norm(name + ".downsample.1", y);
}

ValueId basic_block(
    GraphBuilder& b, const std::string& name, ValueId x, std::int64_t out, std::int64_t stride) {
  ValueId y = b.conv(name + ".conv1", x, {.out = out, .kernel = 3, .stride = stride});
  y = b.relu(name + ".relu", b.norm(name + ".bn1", y));
  y = b.norm(name + ".bn2", b.conv(name + ".conv2", y, {.out = out, .kernel = 3}));
  y = b.add(name + ".add", y, shortcut(b, name, x, out, stride));
  return b.relu(name + ".relu_1", y);
}

ValueId bottleneck(
    GraphBuilder& b, const std::string& name, ValueId x, std::int64_t inner, std::int64_t stride) {
  ValueId y = b.norm(name + ".bn1", b.conv(name + ".conv1", x, {.out = inner}));
  y = b.relu(name + ".relu", y);
  y = b.conv(name + ".conv2", y, {.out = inner, .kernel = 3, .stride = stride});
  y = b.relu(name + ".relu_1", b.norm(name + ".bn2", y));
  y = b.norm(name + ".bn3", b.conv(name + ".conv3", y, {.out = 4 * inner}));
  y = b.add(name + ".add", y, shortcut(b, name, x, 4 * inner, stride));
  return b.relu(name + ".relu_2", y);
}

using ResidualBlock =
    ValueId (*)(GraphBuilder&, const std::string&, ValueId, std::int64_t, std::int64_t);

ValueId residual_stages(GraphBuilder& b,
                        ValueId x,
                        const std::vector<Stage>& stages,
                        ResidualBlock block,
                        const Options& options) {
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (int i = 0; i < stages[s].blocks; ++i) {
      x = block(b,
                fmt::format("layer{}.{}", s + 1, i),
                x,
                scaled(stages[s].channels, options),
                i == 0 ? stages[s].stride : 1);
    }
  }
  return x;
}

graph::Graph resnet(const std::string& name,
                    ResidualBlock block,
                    const std::vector<int>& depths,
                    const Options& options) {
  GraphBuilder b(name, options.seed);
  ValueId x =
      b.conv("conv1", image(b, options), {.out = scaled(64, options), .kernel = 7, .stride = 2});
  x = b.max_pool("maxpool", b.relu("relu", b.norm("bn1", x)), 3, 2, 1);
  const std::vector<Stage> stages{
      {64, depths[0], 1}, {128, depths[1], 2}, {256, depths[2], 2}, {512, depths[3], 2}};
  x = residual_stages(b, x, stages, block, options);
  return b.finish({classifier(b, "fc", x, options)});
}

ValueId conv_norm_relu6(GraphBuilder& b,
                        const std::string& name,
                        ValueId x,
                        const ConvOptions& options) {
  const ValueId y = b.norm(name + ".1", b.conv(name + ".0", x, options));
  return b.clip(name + ".2", y, 0.0F, 6.0F);
}

struct Inverted {
  std::int64_t expansion, channels, blocks, stride;
};

/// `index` counts the blocks of its row: only the later ones have a shortcut, whatever the width.
ValueId inverted_residual(GraphBuilder& b,
                          const std::string& name,
                          ValueId x,
                          const Inverted& row,
                          std::int64_t index,
                          const Options& options) {
  const std::int64_t inner = b.channels(x) * row.expansion;
  const std::int64_t stride = index == 0 ? row.stride : 1;
  int part = 0;
  ValueId y = x;
  if (row.expansion != 1) {
    y = conv_norm_relu6(b, fmt::format("{}.{}", name, part++), y, {.out = inner});
  }
  y = conv_norm_relu6(b,
                      fmt::format("{}.{}", name, part++),
                      y,
                      {.out = inner, .kernel = 3, .stride = stride, .groups = inner});
  y = b.conv(fmt::format("{}.{}", name, part), y, {.out = scaled(row.channels, options)});
  y = b.norm(fmt::format("{}.{}", name, part + 1), y);
  return index > 0 ? b.add(name + ".add", x, y) : y;
}

/// The parameter-free shortcut of the CIFAR networks: every second pixel, new channels zero.
ValueId sampled_shortcut(GraphBuilder& b, const std::string& name, ValueId x, std::int64_t out) {
  const std::string slice = name + ".shortcut.slice";
  const auto ints = [&](const std::string& what, std::vector<std::int64_t> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return b.constant(name + ".shortcut." + what, Tensor::from({count}, values));
  };
  const graph::Shape from = b.shape(x);
  const graph::Shape sampled{
      from[0], from[1], Dim::fixed((from[2].size + 1) / 2), Dim::fixed((from[3].size + 1) / 2)};
  const std::int64_t end = std::numeric_limits<std::int64_t>::max();
  const ValueId y = b.op({.name = slice,
                          .op_type = "Slice",
                          .inputs = {x,
                                     ints("starts", {0, 0}),
                                     ints("ends", {end, end}),
                                     ints("axes", {2, 3}),
                                     ints("steps", {2, 2})}},
                         sampled);
  const std::int64_t added = out - from[1].size;
  graph::Shape padded = sampled;
  padded[1] = Dim::fixed(out);
  return b.op({.name = name + ".shortcut.pad",
               .op_type = "Pad",
               .inputs = {y, ints("pads", {0, added / 2, 0, 0, 0, added - added / 2, 0, 0})}},
              padded);
}

ValueId cifar_block(GraphBuilder& b,
                    const std::string& name,
                    ValueId x,
                    std::int64_t out,
                    std::int64_t stride,
                    Shortcut shortcut) {
  ValueId y = b.conv(name + ".conv1", x, {.out = out, .kernel = 3, .stride = stride});
  y = b.relu(name + ".relu", b.norm(name + ".bn1", y));
  y = b.norm(name + ".bn2", b.conv(name + ".conv2", y, {.out = out, .kernel = 3}));
  ValueId kept = x;
  if (stride != 1 && shortcut == Shortcut::Sampled) {
    kept = sampled_shortcut(b, name, x, out);
  } else if (stride != 1) {
    kept = b.conv(name + ".shortcut.0", x, {.out = out, .stride = stride});
    kept = b.norm(name + ".shortcut.1", kept);
  }
  return b.relu(name + ".relu_1", b.add(name + ".add", y, kept));
}

}  // namespace

graph::Graph resnet18(const Options& options) {
  return resnet("resnet18", basic_block, {2, 2, 2, 2}, options);
}

graph::Graph resnet50(const Options& options) {
  return resnet("resnet50", bottleneck, {3, 4, 6, 3}, options);
}

graph::Graph mobilenet_v2(const Options& options) {
  GraphBuilder b("mobilenet_v2", options.seed);
  ValueId x = conv_norm_relu6(
      b, "features.0", image(b, options), {.out = scaled(32, options), .kernel = 3, .stride = 2});
  constexpr Inverted kRows[] = {{1, 16, 1, 1},
                                {6, 24, 2, 2},
                                {6, 32, 3, 2},
                                {6, 64, 4, 2},
                                {6, 96, 3, 1},
                                {6, 160, 3, 2},
                                {6, 320, 1, 1}};
  int block = 1;
  for (const Inverted& row : kRows) {
    for (std::int64_t i = 0; i < row.blocks; ++i) {
      x = inverted_residual(b, fmt::format("features.{}.conv", block++), x, row, i, options);
    }
  }
  x = conv_norm_relu6(b, "features.18", x, {.out = scaled(1280, options)});
  return b.finish({classifier(b, "classifier.1", x, options)});
}

graph::Graph resnet20(Shortcut shortcut, const Options& options) {
  GraphBuilder b("resnet20", options.seed);
  ValueId x = b.conv("conv1", image(b, options), {.out = scaled(16, options), .kernel = 3});
  x = b.relu("relu", b.norm("bn1", x));
  for (std::int64_t stage = 0; stage < 3; ++stage) {
    for (int i = 0; i < 3; ++i) {
      x = cifar_block(b,
                      fmt::format("layer{}.{}", stage + 1, i),
                      x,
                      scaled(std::int64_t{16} << stage, options),
                      stage > 0 && i == 0 ? 2 : 1,
                      shortcut);
    }
  }
  return b.finish({classifier(b, "linear", x, options)});
}

}  // namespace ompq::testing::zoo

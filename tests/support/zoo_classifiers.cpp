#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "support/graph_builder.h"
#include "support/zoo.h"

namespace ompq::testing::zoo {

using graph::Dim;
using graph::ValueId;

namespace {

/// `channels` x width, to the nearest multiple of 8, and never less than 90 % of it.
std::int64_t scaled(std::int64_t channels, const Options& options) {
  const double wanted = static_cast<double>(channels) * options.width;
  const auto rounded = std::max<std::int64_t>(8, static_cast<std::int64_t>(wanted + 4.0) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

ValueId image(GraphBuilder& b, const Options& options) {
  return b.input("input",
                 {Dim::batch(),
                  Dim::fixed(3),
                  Dim::fixed(options.image_size),
                  Dim::fixed(options.image_size)});
}

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

ValueId classifier(GraphBuilder& b, const std::string& name, ValueId x, const Options& options) {
  return b.gemm(name, b.flatten("flatten", b.global_average_pool("avgpool", x)), options.classes);
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

ValueId inverted_residual(GraphBuilder& b,
                          const std::string& name,
                          ValueId x,
                          std::int64_t out,
                          std::int64_t stride,
                          std::int64_t expansion) {
  const std::int64_t in = b.channels(x);
  const std::int64_t inner = in * expansion;
  int part = 0;
  ValueId y = x;
  if (expansion != 1) y = conv_norm_relu6(b, fmt::format("{}.{}", name, part++), y, {.out = inner});
  y = conv_norm_relu6(b,
                      fmt::format("{}.{}", name, part++),
                      y,
                      {.out = inner, .kernel = 3, .stride = stride, .groups = inner});
  y = b.conv(fmt::format("{}.{}", name, part), y, {.out = out});
  y = b.norm(fmt::format("{}.{}", name, part + 1), y);
  return stride == 1 && in == out ? b.add(name + ".add", x, y) : y;
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
  struct Row {
    std::int64_t expansion, channels, blocks, stride;
  };
  int index = 1;
  for (const Row& row : {Row{1, 16, 1, 1},
                         Row{6, 24, 2, 2},
                         Row{6, 32, 3, 2},
                         Row{6, 64, 4, 2},
                         Row{6, 96, 3, 1},
                         Row{6, 160, 3, 2},
                         Row{6, 320, 1, 1}}) {
    for (std::int64_t i = 0; i < row.blocks; ++i) {
      x = inverted_residual(b,
                            fmt::format("features.{}.conv", index++),
                            x,
                            scaled(row.channels, options),
                            i == 0 ? row.stride : 1,
                            row.expansion);
    }
  }
  x = conv_norm_relu6(
      b, "features.18", x, {.out = std::max<std::int64_t>(scaled(1280, options), 8)});
  return b.finish({classifier(b, "classifier.1", x, options)});
}

}  // namespace ompq::testing::zoo

#pragma once

#include <cstdint>

#include "ompq/graph/graph.h"

/// Networks that tests and benchmarks build in memory: architectures of the field with seeded
/// weights, shapes on every value, an open batch, input "input" [N, 3, size, size].
namespace ompq::testing::zoo {

struct Options {
  std::uint64_t seed = 1;
  std::int64_t image_size = 224;
  std::int64_t classes = 1000;
  /// Factor on every channel count (rounded to a multiple of 8, at least 8): small networks for
  /// quick tests.
  double width = 1.0;
};
/// The size of CIFAR's images and classes.
inline constexpr Options kCifar{.image_size = 32, .classes = 10};

// Node and weight names are those of torchvision's modules: "layer1.0.conv1",
// "features.2.conv.0.0".
[[nodiscard]] graph::Graph resnet18(const Options& options = {});
[[nodiscard]] graph::Graph resnet50(const Options& options = {});
[[nodiscard]] graph::Graph mobilenet_v2(const Options& options = {});

enum class Shortcut {
  Sampled,     ///< every second pixel, new channels zero (Slice, Pad)
  Projection,  ///< a strided 1x1 convolution
};
[[nodiscard]] graph::Graph resnet20(Shortcut shortcut, const Options& options = kCifar);

/// Two blocks of 4-head attention over 8x8 patches and a class token, with the Shape, Gather,
/// Unsqueeze, Concat, Expand and Reshape nodes that exporters leave; opset 17.
[[nodiscard]] graph::Graph vision_transformer(const Options& options = kCifar);

/// Encoder and decoder of three levels with Concat skips and ConvTranspose; `classes` maps out.
[[nodiscard]] graph::Graph unet(const Options& options = kCifar);

/// Fire modules (squeeze, two expansions, Concat), biases and no batch norm; ends in a convolution.
[[nodiscard]] graph::Graph squeeze_net(const Options& options = kCifar);

/// Inverted residuals with SiLU and squeeze-and-excitation, one with and one without a skip.
[[nodiscard]] graph::Graph efficient_net(const Options& options = kCifar);

/// Grouped, depthwise and dilated convolutions, asymmetric padding, grouped ConvTranspose, Pad,
/// HardSwish, LeakyRelu, and branches that meet in Concat or in nothing: two outputs;
/// opset 14.
[[nodiscard]] graph::Graph assorted(const Options& options = kCifar);

/// A stem, `blocks` residual blocks of two 8-channel convolutions, and a classifier.
[[nodiscard]] graph::Graph deep_resnet(int blocks, const Options& options = kCifar);

}  // namespace ompq::testing::zoo

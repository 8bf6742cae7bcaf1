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

}  // namespace ompq::testing::zoo

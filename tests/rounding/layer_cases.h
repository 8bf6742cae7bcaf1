#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ompq/graph/layers.h"
#include "ompq/rounding/input_moments.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::rounding::cases {

/// A network of one layer, with samples of what it reads: x in the float network, z after a prefix
/// that errs.
struct OneLayer {
  graph::Graph graph;
  graph::Layer layer;
  CacheMemory memory{1 << 26};
  std::unique_ptr<SampleCache> x;
  std::unique_ptr<SampleCache> z;
  std::int64_t samples = 0;

  /// @param noise  standard deviation of z - x; x has 1.
  OneLayer(graph::Graph network, std::int64_t count, double noise);
  [[nodiscard]] LayerInputs inputs() const { return {.exact = x.get(), .quantized = z.get()}; }
  /// The layer's output for every sample of a cache, with another weight and bias: [rows,
  /// channels], a row a sample and position.
  [[nodiscard]] std::vector<std::vector<double>> outputs(const SampleCache& cache,
                                                         const Tensor& weight,
                                                         const std::vector<float>& bias) const;
  [[nodiscard]] std::vector<float> bias() const;
};

struct LayerCase {
  std::string name;
  graph::Graph (*make)();
};
/// Convolutions over images and sequences with padding, stride, dilation, groups and depthwise,
/// Gemm, MatMul over tokens.
[[nodiscard]] const std::vector<LayerCase>& layer_cases();

}  // namespace ompq::rounding::cases

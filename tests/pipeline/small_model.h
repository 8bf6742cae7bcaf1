#pragma once

#include <memory>

#include "ompq/core/random.h"
#include "ompq/graph/layers.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/samples.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::pipeline {

/// Five layers with a residual block: conv1 -> [conv2 -> conv3] + -> depthwise -> fc, 6 classes,
/// inputs [N, 3, 8, 8].
inline Model small_model(std::int64_t channels = 8) {
  testing::GraphBuilder builder("small");
  auto x = builder.input(
      "x", {graph::Dim::batch(), graph::Dim::fixed(3), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  x = builder.relu("relu1", builder.conv("conv1", x, {.out = channels, .kernel = 3, .bias = true}));
  auto y =
      builder.relu("relu2", builder.conv("conv2", x, {.out = channels, .kernel = 3, .bias = true}));
  y = builder.conv("conv3", y, {.out = channels, .kernel = 1, .bias = true});
  x = builder.relu("relu3", builder.add("add", x, y));
  x = builder.relu(
      "relu4",
      builder.conv(
          "depthwise", x, {.out = channels, .kernel = 3, .groups = channels, .bias = true}));
  x = builder.flatten("flatten", builder.global_average_pool("pool", x));
  Model model;
  model.file = "small.onnx";
  model.sha256 = "0";
  model.graph = builder.finish({builder.gemm("fc", x, 6)});
  model.discovery = graph::discover(model.graph);
  for (const auto& layer : model.discovery.layers) model.file_bytes += layer.weight_count * 4;
  return model;
}

/// `count` normal samples for small_model().
inline Samples small_samples(std::int64_t count, std::uint64_t seed = 2) {
  Tensor x(DataType::Float32, {count, 3, 8, 8});
  Random random(seed);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(std::move(x));
  for (std::int64_t i = 0; i < count; ++i) samples.indices.push_back(i);
  samples.used = {.source = "normal numbers", .count = count, .seed = seed};
  return samples;
}

}  // namespace ompq::pipeline

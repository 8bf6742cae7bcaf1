#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/network.h"
#include "ompq/pipeline/samples.h"
#include "ompq/targets/target_table.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

/// A network with a place for every rule of every target.
namespace ompq::pipeline {

/// Convolutions with a residual Add, a gate, a Concat, pools and a Softmax; inputs [N, 4, 8, 8].
inline Model ruled_model() {
  using graph::Dim;
  testing::GraphBuilder b("ruled", 7);
  const auto x = b.input("x", {Dim::batch(), Dim::fixed(4), Dim::fixed(8), Dim::fixed(8)});
  const auto first = b.relu("r1", b.conv("first", x, {.out = 4, .kernel = 3, .bias = true}));
  const auto second = b.conv("second", first, {.out = 4, .kernel = 3, .groups = 4, .bias = true});
  const auto sum = b.relu("r2", b.add("sum", first, second));
  const auto pooled = b.max_pool("pool", sum, 2, 2, 0);
  const auto gate = b.binary("Mul", "gate", pooled, b.unary("Sigmoid", "sigmoid", pooled));
  const auto left = b.conv("left", gate, {.out = 4, .kernel = 1, .bias = true});
  const auto right = b.relu("r3", b.conv("right", gate, {.out = 4, .kernel = 1, .bias = true}));
  const auto joined = b.concat("joined", {left, right}, 1);
  const auto last = b.conv("last", joined, {.out = 4, .kernel = 1, .bias = true});
  const auto flat = b.flatten("flat", b.global_average_pool("mean", last));
  const auto scores = b.gemm("head", flat, 5);
  const auto end = b.op({.name = "softmax",
                         .op_type = "Softmax",
                         .inputs = {scores},
                         .attributes = {{"axis", std::int64_t{-1}}}},
                        b.shape(scores));
  Model model;
  model.file = "ruled.onnx";
  model.sha256 = "0";
  model.graph = b.finish({end});
  model.discovery = graph::discover(model.graph);
  return model;
}

inline Tensor ruled_inputs(std::int64_t count, std::uint64_t seed = 3) {
  Tensor x(DataType::Float32, {count, 4, 8, 8});
  Random random(seed);
  for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
  return x;
}

inline Samples ruled_samples(std::int64_t count) {
  Samples samples;
  samples.dataset = std::make_unique<testing::MemoryDataset>(ruled_inputs(count));
  for (std::int64_t i = 0; i < count; ++i) samples.indices.push_back(i);
  return samples;
}

/// Weights of 5 bits, and activations of 8 if the target quantizes them.
inline QuantizedNetwork ruled_network(const Model& model,
                                      const targets::TargetRow& target,
                                      int weight_bits = 5) {
  const std::size_t layers = model.discovery.layers.size();
  Samples samples = ruled_samples(64);
  rounding::CalibrationOptions options;
  options.target = target.name;
  rounding::ActivationQuantizers activations;
  if (!target.weights_only) {
    const std::vector<std::optional<int>> bits(layers, 8);
    activations = calibrate(model, bits, samples, options, {});
  }
  return quantize_network(model,
                          std::vector<int>(layers, weight_bits),
                          activations,
                          {.target = std::string(target.name)});
}

/// The forms in which files for the target are written.
inline std::vector<FileForm> forms_of(const targets::TargetRow& target) {
  std::vector<FileForm> forms{{.format = onnx_io::WeightFormat::Qdq}};
  if (target.reads_packed) forms.push_back({.format = onnx_io::WeightFormat::Packed});
  return forms;
}

}  // namespace ompq::pipeline

#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/network.h"
#include "ompq/runtime/executor.h"
#include "support/judge.h"
#include "support/paths.h"

/// Networks for integer kernels, here and in ONNX Runtime.
namespace ompq::pipeline {

inline constexpr const char* kTarget = "onnxruntime";

/// The largest width whose levels no product overflows on this processor.
inline int widest_levels() {
  return __builtin_cpu_supports("avx512vnni") != 0 || __builtin_cpu_supports("avxvnni") != 0 ? 8
                                                                                             : 6;
}

inline QuantizedNetwork integer_network(const Model& model,
                                        Samples samples,
                                        const std::vector<int>& weight_bits,
                                        const std::vector<int>& activation_bits,
                                        quant::Symmetry symmetry = quant::Symmetry::Asymmetric,
                                        const std::string& target = kTarget) {
  const std::vector<std::optional<int>> bits(activation_bits.begin(), activation_bits.end());
  rounding::CalibrationOptions options;
  options.target = target;
  const auto activations = calibrate(model, bits, samples, options, {});
  return quantize_network(
      model, weight_bits, activations, {.symmetry = symmetry, .target = target});
}

inline std::map<std::string, int> operators_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromIstream(&in)) << file;
  std::map<std::string, int> count;
  for (const auto& node : model.graph().node()) ++count[node.op_type()];
  return count;
}

/// How often each operator is in the network as ONNX Runtime rewrites it.
inline std::map<std::string, int> rewritten_operators(const QuantizedNetwork& network,
                                                      const FileForm& form,
                                                      const Tensor& images) {
  const testing::TemporaryDirectory folder;
  (void)testing::run_bytes_in_onnxruntime(
      export_file(network, form).model,
      {{"x", images}},
      {.optimization = "extended", .save_optimized = folder / "optimized.onnx"});
  return operators_of(folder / "optimized.onnx");
}

inline Tensor run_here(const QuantizedNetwork& network, const Tensor& images) {
  runtime::ExecutorOptions options;
  options.integer_kernels = true;
  runtime::Executor executor(network.graph, options);
  const std::vector<Tensor> inputs{images};
  return executor.run(inputs).front();
}

inline std::int64_t different_elements(const Tensor& expected, const Tensor& got) {
  const auto a = expected.data<float>();
  const auto b = got.data<float>();
  EXPECT_EQ(a.size(), b.size());
  std::int64_t count = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

}  // namespace ompq::pipeline

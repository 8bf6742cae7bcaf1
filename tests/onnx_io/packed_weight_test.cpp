#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/exporter.h"
#include "onnx_io/small_network.h"
#include "support/judge.h"

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using quant::Granularity;
using quant::Symmetry;
using testing::normal_tensor;
using testing::quantized;
using testing::run_bytes_in_onnxruntime;
using testing::small_network;
using testing::small_network_axes;

struct Form {
  int bits;
  Symmetry symmetry;
  bool per_axis;
};

ExportOptions all_weights(const Graph& graph, const Form& form) {
  ExportOptions options;
  for (const auto& [name, axis] : small_network_axes()) {
    options.quantized[name] =
        quantized(graph,
                  name,
                  BitWidth(form.bits),
                  form.symmetry,
                  form.per_axis ? Granularity::along(axis) : Granularity::per_tensor());
  }
  return options;
}

class PackedWeights : public ::testing::TestWithParam<Form> {};

TEST_P(PackedWeights, RunInOnnxRuntimeEqualToTheBit) {
  OMPQ_JUDGE_OR_SKIP();
  const Graph graph = small_network();
  ExportOptions options = all_weights(graph, GetParam());
  const std::string packed = export_onnx_bytes(graph, options);
  options.format = WeightFormat::Float;
  const std::string plain = export_onnx_bytes(graph, options);
  const std::map<std::string, Tensor> inputs{{"image", normal_tensor({3, 3, 8, 8}, 7)}};
  for (const char* optimization : {"all", "disabled"}) {
    const auto got = run_bytes_in_onnxruntime(packed, inputs, {.optimization = optimization});
    const auto expected = run_bytes_in_onnxruntime(plain, inputs, {.optimization = optimization});
    ASSERT_EQ(got.size(), 1U);
    for (std::size_t i = 0; i < expected[0].data<float>().size(); ++i) {
      ASSERT_EQ(got[0].data<float>()[i], expected[0].data<float>()[i])
          << "output " << i << ", optimization " << optimization;
    }
  }
}

std::vector<Form> all_forms() {
  std::vector<Form> forms;
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    forms.push_back({bits, Symmetry::Asymmetric, true});
    if (bits > 1) forms.push_back({bits, Symmetry::Symmetric, true});
  }
  forms.push_back({3, Symmetry::Symmetric, false});
  forms.push_back({8, Symmetry::Asymmetric, false});
  return forms;
}

INSTANTIATE_TEST_SUITE_P(
    Forms, PackedWeights, ::testing::ValuesIn(all_forms()), [](const auto& row) {
      const Form& form = row.param;
      return std::to_string(form.bits) + "Bits" +
             (form.symmetry == Symmetry::Symmetric ? "Symmetric" : "Asymmetric") +
             (form.per_axis ? "PerAxis" : "PerTensor");
    });

}  // namespace
}  // namespace ompq::onnx_io

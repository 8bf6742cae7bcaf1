#include "training/network_cases.h"

#include <algorithm>
#include <cmath>

#include "ompq/core/random.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/infer.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/short_scale.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/runtime/executor.h"
#include "support/graph_builder.h"

namespace ompq::testing {

graph::Graph prepared(graph::Graph graph) {
  ops::infer_and_fold(graph);
  graph::remove_no_ops(graph);
  graph.sort();
  return graph;
}

graph::Graph tiny_network(std::int64_t classes) {
  GraphBuilder b("tiny");
  const auto n = graph::Dim::batch();
  auto x = b.input("x", {n, graph::Dim::fixed(2), graph::Dim::fixed(8), graph::Dim::fixed(8)});
  x = b.conv("stem", x, {.out = 8, .kernel = 3});
  x = b.relu("stem.relu", b.norm("stem.norm", x));
  auto y = b.conv("depthwise", x, {.out = 8, .kernel = 3, .groups = 8});
  y = b.clip("depthwise.clip", b.norm("depthwise.norm", y), 0.0F, 6.0F);
  y = b.norm("project.norm", b.conv("project", y, {.out = 8, .kernel = 1}));
  x = b.relu("sum.relu", b.add("sum", y, x));
  x = b.conv("down", x, {.out = 12, .kernel = 3, .stride = 2, .pads = {0, 0, 1, 1}, .bias = true});
  x = b.relu("down.relu", b.norm("down.norm", x));
  x = b.flatten("flatten", b.global_average_pool("pool", x));
  x = b.gemm("classifier", x, classes);
  return prepared(b.finish({x}));
}

Tensor normal_inputs(std::vector<std::int64_t> shape, std::uint64_t seed) {
  Tensor inputs(DataType::Float32, std::move(shape));
  Random random(seed);
  for (float& value : inputs.mutable_data<float>()) value = static_cast<float>(random.normal());
  return inputs;
}

rounding::NetworkCodes nearest_codes(const graph::Graph& folded,
                                     const std::vector<graph::Layer>& layers,
                                     int weight_bits,
                                     int activation_bits,
                                     const Tensor& samples) {
  graph::Graph copy = folded;
  const std::vector<BitWidth> widths(layers.size(), BitWidth(weight_bits));
  rounding::NetworkCodes codes{.weights = rounding::quantize_weights(copy, layers, widths)};
  runtime::ExecutorOptions options{.threads = 1};
  for (const graph::Layer& layer : layers) options.captured.push_back(layer.input);
  runtime::Executor executor(folded, options);
  const std::vector<Tensor> inputs{samples};
  (void)executor.run(inputs, [&](graph::ValueId value, const MatrixView& view) {
    const auto* elements = static_cast<const float*>(view.data);
    const auto [min, max] = std::minmax_element(elements, elements + view.rows * view.cols);
    quant::QuantParams params = quant::qparams_from_range(
        *min, *max, BitWidth(activation_bits), quant::Symmetry::Asymmetric);
    params.scale = {quant::short_scale(params.scale.front(), quant::Snap::Up)};
    codes.activations[value] = params;
  });
  return codes;
}

Tensor exported_scores(const graph::Graph& folded,
                       const std::vector<graph::Layer>& layers,
                       const rounding::NetworkCodes& codes,
                       const Tensor& inputs) {
  graph::Graph graph = folded;
  for (const auto& [name, weight] : codes.weights) {
    graph.mutable_value(graph.find_value(name)).constant = quant::dequantize(weight);
  }
  rounding::replace_biases(graph, codes.biases);
  rounding::ActivationScales scales;
  for (const auto& [value, params] : codes.activations) scales.emplace(value, params.scale.front());
  rounding::round_biases(graph, layers, codes.weights, scales);
  rounding::insert_activation_quantizers(graph, codes.activations);
  return float_scores(graph, inputs);
}

Tensor float_scores(const graph::Graph& graph, const Tensor& inputs) {
  runtime::Executor executor(graph, {.threads = 1});
  return executor.run({&inputs, 1}).front();
}

double relative_difference(const Tensor& got, const Tensor& expected) {
  const auto a = got.data<float>();
  const auto b = expected.data<float>();
  double max = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    max = std::isfinite(difference) ? std::max(max, difference) : INFINITY;
  }
  if (max == 0.0) return 0.0;
  const auto [low, high] = std::minmax_element(b.begin(), b.end());
  return max / (*high - *low);
}

training::TrainingBatch bright_thirds(std::int64_t samples, std::uint64_t seed) {
  training::TrainingBatch batch{{normal_inputs({samples, 2, 8, 8}, seed)}, {}};
  Random random = Random(seed).split("labels");
  const auto pixels = batch.inputs.front().mutable_data<float>();
  for (std::int64_t n = 0; n < samples; ++n) {
    const auto label = static_cast<std::int64_t>(random.below(3));
    batch.labels.push_back(label);
    for (std::int64_t i = 0; i < 128; ++i) {
      const std::int64_t row = i % 64 / 8;
      if (row / 3 == label) pixels[static_cast<std::size_t>(n * 128 + i)] += 2.0F;
    }
  }
  return batch;
}

}  // namespace ompq::testing

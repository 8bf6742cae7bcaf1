#include <chrono>
#include <cstdio>
#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/graph/passes.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/infer.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/training/trainer.h"
#include "ompq/tuning/quantize_weights.h"
#include <ATen/ATen.h>
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/operator.h"
#include "ompq/training/losses.h"
static double eager(const ompq::graph::Graph& g, const ompq::Tensor& input, const std::vector<long>& labels, double secs) {
  using namespace ompq;
  std::map<graph::ValueId, at::Tensor> c;
  std::vector<at::Tensor> leaves, moments;
  for (size_t v = 0; v < g.values().size(); ++v) if (g.values()[v].constant) {
    at::Tensor t = ops::to_aten(*g.values()[v].constant).clone();
    if (t.scalar_type() == at::kFloat && t.numel() > 1) { t.requires_grad_(true); }
    c[static_cast<graph::ValueId>(v)] = t;
  }
  for (const auto& n : g.nodes()) if (n.is("BatchNormalization")) for (int i : {3, 4}) c[n.inputs[i]].requires_grad_(false);
  for (auto& [k, t] : c) if (t.requires_grad()) { leaves.push_back(t); moments.push_back(at::zeros_like(t.detach())); }
  int n_steps = 0; double s = 0; auto begin = std::chrono::steady_clock::now();
  while (s < secs || n_steps < 4) {
    if (n_steps == 1) begin = std::chrono::steady_clock::now();
    std::map<graph::ValueId, at::Tensor> m = c;
    m[g.inputs()[0]] = ops::to_aten(input);
    for (const auto& n : g.nodes()) {
      if (n.is("BatchNormalization")) { m[n.outputs[0]] = at::batch_norm(m[n.inputs[0]], m[n.inputs[1]], m[n.inputs[2]], m[n.inputs[3]], m[n.inputs[4]], true, 0.1, 1e-5, false); continue; }
      std::vector<at::Tensor> in; for (auto v : n.inputs) in.push_back(v < 0 ? at::Tensor() : m[v]);
      auto out = ops::find_operator(n.domain, n.op_type)->run({n, g.opset}, in);
      for (size_t i = 0; i < n.outputs.size(); ++i) m[n.outputs[i]] = out[i];
    }
    training::cross_entropy(m[g.outputs()[0]], labels).backward();
    { at::NoGradGuard guard; for (size_t i = 0; i < leaves.size(); ++i) { moments[i].mul_(0.9).add_(leaves[i].grad()); leaves[i].sub_(moments[i] * 0.01); leaves[i].mutable_grad().reset(); } }
    ++n_steps; s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return input.shape()[0] * (n_steps - 1) / s;
}

using namespace ompq;

TEST(Speed, Resnet20) {
  graph::Graph g = onnx_io::import_onnx(std::getenv("OMPQ_BENCH_MODEL"));
  ops::infer_and_fold(g);
  graph::remove_no_ops(g);
  { Random random(3); Tensor x(DataType::Float32, graph::extents_at(*g.value(g.inputs()[0]).shape, 128));
    for (float& v : x.mutable_data<float>()) v = static_cast<float>(random.normal());
    std::vector<long> labels; for (int i = 0; i < 128; ++i) labels.push_back(i % 10);
    std::printf("eager NCHW float32, batch norms: %.1f images/s\n", eager(g, x, labels, 5)); }
  const char* precision = std::getenv("PRECISION");
  for (const std::string method : {"", "lsq"}) {
    for (auto norms : {training::NormMode::Frozen, training::NormMode::Trained}) {
    training::TrainerOptions options{.network = {.norms = norms,
      .precision = precision ? runtime::Precision::BFloat16 : runtime::Precision::Float32}};
    options.optimizer.rate = 0.001;
    training::Trainer trainer(g, options);
    if (!method.empty()) {
      graph::Graph copy = trainer.folded_graph();
      tuning::NetworkCodes codes;
      std::vector<BitWidth> bits(trainer.layers().size(), BitWidth(4));
      codes.weights = tuning::quantize_weights(copy, trainer.layers(), bits, {});
      for (const auto& l : trainer.layers())
        codes.activations[l.input] = {.bits = BitWidth(4), .scale = {0.25F}, .zero_point = {0}};
      trainer.quantize(codes, method);
    }
    Random random(3);
    const auto shape = graph::extents_at(*g.value(g.inputs()[0]).shape, 128);
    Tensor x(DataType::Float32, shape);
    for (float& v : x.mutable_data<float>()) v = static_cast<float>(random.normal());
    training::TrainingBatch batch{x, {}};
    for (int i = 0; i < 128; ++i) batch.labels.push_back(i % 10);
    double loss = 0;
    for (int i = 0; i < 2; ++i) loss = trainer.step(batch).loss;
    const auto begin = std::chrono::steady_clock::now();
    int n = 0;
    double s = 0;
    while (s < (std::getenv("SECS") ? 0.5 : 4)) { loss = trainer.step(batch).loss; ++n;
      s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }
    std::printf("%-6s norms %d: %.1f images/s, loss %.4f\n", method.c_str(), static_cast<int>(norms), 128.0 * n / s, loss);
    }
  }
}

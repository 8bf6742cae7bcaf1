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
#include "../support/paths.h"

using namespace ompq;

TEST(Speed, Resnet20) {
  graph::Graph g = onnx_io::import_onnx(std::getenv("OMPQ_BENCH_MODEL"));
  ops::infer_and_fold(g);
  graph::remove_no_ops(g);
  const char* precision = std::getenv("PRECISION");
  for (const std::string method : {"", "lsq", "hawq", "pact"}) {
    for (auto norms : {training::NormMode::Frozen, training::NormMode::Trained}) {
    training::TrainerOptions options{.network = {.norms = norms,
      .precision = precision ? runtime::Precision::BFloat16 : runtime::Precision::Float32}};
    options.optimizer.rate = 0.01;
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
    while (s < 4) { loss = trainer.step(batch).loss; ++n;
      s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }
    std::printf("%-6s norms %d: %.1f images/s, loss %.4f\n", method.c_str(), static_cast<int>(norms), 128.0 * n / s, loss);
    }
  }
}

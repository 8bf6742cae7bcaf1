#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "ompq/qat/finetune.h"
#include "pipeline/small_model.h"
#include "support/paths.h"

namespace ompq::qat {

namespace fs = std::filesystem;

/// Samples of three channels, of which the brightest is the class.
inline pipeline::Samples labelled_samples(std::int64_t count, std::uint64_t seed) {
  Tensor x(DataType::Float32, {count, 3, 8, 8});
  std::vector<std::int32_t> labels;
  Random random(seed);
  auto values = x.mutable_data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 192 == 0) labels.push_back(static_cast<std::int32_t>(labels.size() % 3));
    const bool bright = static_cast<std::int32_t>(i % 192 / 64) == labels.back();
    values[i] = static_cast<float>(random.normal()) + (bright ? 1.0F : 0.0F);
  }
  pipeline::Samples samples = pipeline::small_samples(count, seed);
  samples.dataset = std::make_unique<testing::MemoryDataset>(std::move(x), std::move(labels));
  samples.used.source = "bright channels";
  return samples;
}

class FinetuneTest : public ::testing::Test {
 protected:
  FinetuneTest() {
    options_.start.search.request.budget.average_bits = 3.0;
    options_.start.search.request.activation_candidates = {4};
    options_.start.search.request.input_bits = 4;
    options_.start.search.request.candidates = {2, 3, 4, 5, 6, 7, 8};
    options_.start.search.executor.precision = runtime::Precision::Float32;
    options_.start.search.compensated = false;
    options_.start.search.allocator = "weight-mse";
    options_.start.search.beside = {};
    options_.start.method.method = "gptq";
    options_.start.tuning_samples = 32;
    options_.start.calibration.batch_size = 32;
    options_.start.output = folder_ / "out.onnx";
    options_.trainer.optimizer.rate = 0.02;
    options_.trainer.optimizer.clip_norm = 0;
    options_.trainer.loss.distillation = 0;
    options_.trainer.network.precision = runtime::Precision::Float32;
    options_.norms = Norms::Trained;
    options_.epochs = 3;
    options_.batch_size = 16;
    options_.augmentation = "none";
    // Small passes only wait for each other where other tests take the second core.
    options_.trainer.threads = 1;
    options_.start.method.threads = 1;
    options_.start.search.executor.threads = 1;
    options_.start.evaluation.executor.threads = 1;
    options_.start.calibration.executor.threads = 1;
  }

  report::Finetuning run() {
    pipeline::Samples samples = labelled_samples(64, 1);
    pipeline::Samples training = labelled_samples(192, 2);
    training.used.split = "train";
    pipeline::Samples evaluation = labelled_samples(96, 3);
    evaluation.used.split = "test";
    return finetune(model_, unfolded_, samples, training, evaluation, options_, progress_);
  }
  [[nodiscard]] fs::path file(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string message() {
    try {
      (void)run();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  testing::TemporaryDirectory folder_;
  pipeline::Model model_ = pipeline::small_model();
  graph::Graph unfolded_ = model_.graph;
  FinetuneOptions options_;
  ProgressHandler progress_;
};

}  // namespace ompq::qat

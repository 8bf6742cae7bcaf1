#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "e2e/ompq.h"
#include "ompq/data/dataset.h"
#include "ompq/data/preprocess_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/runtime/executor.h"
#include "support/judge.h"

namespace ompq::testing {

inline constexpr std::int64_t kImages = 2000;
/// Images in one pass.
inline constexpr std::int64_t kImagesAtOnce = 100;

struct Agreement {
  double greatest_difference = 0;  ///< of two logits, over the range of all logits
  double apart = 0;                ///< share of images that differ by more than 1e-3 of the range
  double same_top1 = 0;            ///< share of images
};

inline std::int64_t best(std::span<const float> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

/// @param x, y [images, classes], row by row: ours and theirs.
inline Agreement agreement(std::span<const float> x,
                           std::span<const float> y,
                           std::size_t classes) {
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const double range = static_cast<double>(*high) - *low;
  Agreement result;
  for (std::size_t at = 0; at < x.size(); at += classes) {
    double difference = 0.0;
    for (std::size_t c = at; c < at + classes; ++c) {
      difference = std::max(difference, static_cast<double>(std::abs(x[c] - y[c])) / range);
    }
    result.greatest_difference = std::max(result.greatest_difference, difference);
    result.apart += difference > 1e-3 ? 1.0 : 0.0;
    result.same_top1 += best(x.subspan(at, classes)) == best(y.subspan(at, classes)) ? 1.0 : 0.0;
  }
  const auto images = static_cast<double>(x.size() / classes);
  result.apart /= images;
  result.same_top1 /= images;
  return result;
}

/// A file of ompq in its own runtime and in ONNX Runtime, over images that ship.
inline Agreement ours_against_onnxruntime(const std::filesystem::path& file) {
  const pipeline::Model model = pipeline::load_model(file);
  data::DatasetOptions options;
  options.preprocess = data::read_preprocess(*data::find_preprocess(shipped_model()));
  options.split = "test";
  const auto dataset =
      data::open_dataset(OMPQ_FASHION_MNIST, pipeline::input_specs(model.graph), options);
  const std::vector<std::int64_t> images = data::choose_samples(dataset->size(), kImages, 1);
  const std::string name = model.graph.value(model.graph.inputs().front()).name;
  runtime::ExecutorOptions running;
  running.integer_kernels = true;  // as in 'ompq eval'
  runtime::Executor executor(model.graph, running);
  std::vector<float> ours;
  std::vector<JudgeJob> jobs;
  for (std::int64_t at = 0; at < kImages; at += kImagesAtOnce) {
    const data::Batch batch = dataset->load(
        std::vector<std::int64_t>(images.begin() + at, images.begin() + at + kImagesAtOnce));
    const Tensor outputs = executor.run(batch.inputs).front();
    const auto values = outputs.data<float>();
    ours.insert(ours.end(), values.begin(), values.end());
    jobs.push_back({.model = file, .inputs = {{name, batch.inputs.front()}}});
  }
  std::vector<float> theirs;
  for (const JudgeAnswer& answer : run_jobs(Judge::Node, jobs)) {
    if (!answer.refusal.empty()) throw std::runtime_error(answer.refusal);
    const auto values = answer.outputs.front().data<float>();
    theirs.insert(theirs.end(), values.begin(), values.end());
  }
  if (ours.size() != theirs.size()) throw std::runtime_error("the outputs differ in size");
  return agreement(ours, theirs, ours.size() / static_cast<std::size_t>(kImages));
}

}  // namespace ompq::testing

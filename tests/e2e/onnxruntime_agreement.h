#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>

#include "e2e/ompq.h"
#include "ompq/data/dataset.h"
#include "ompq/pipeline/model.h"
#include "ompq/runtime/executor.h"
#include "support/judge.h"

namespace ompq::testing {

inline constexpr std::int64_t kImages = 2000;

struct Agreement {
  double greatest_difference = 0;  ///< of two logits, over the range of all logits
  double apart = 0;                ///< share of images that differ by more than 1e-3 of the range
  double same_top1 = 0;            ///< share of images
};

inline std::int64_t best(std::span<const float> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

inline Agreement agreement(const Tensor& ours, const Tensor& theirs) {
  const auto x = ours.data<float>();
  const auto y = theirs.data<float>();
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const auto classes = static_cast<std::size_t>(ours.shape().at(1));
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
  const data::Batch batch = dataset->load(data::choose_samples(dataset->size(), kImages, 1));
  const auto ours = runtime::Executor(model.graph).run(batch.inputs);
  const std::string name = model.graph.value(model.graph.inputs().front()).name;
  const auto theirs = run_in_onnxruntime(file, {{name, batch.inputs.front()}});
  return agreement(ours.front(), theirs.front());
}

}  // namespace ompq::testing

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
  Agreement result;
  for (std::size_t at = 0; at < x.size(); at += classes) {
    for (std::size_t c = at; c < at + classes; ++c) {
      result.greatest_difference =
          std::max(result.greatest_difference, static_cast<double>(std::abs(x[c] - y[c])));
    }
    result.same_top1 += best(x.subspan(at, classes)) == best(y.subspan(at, classes)) ? 1.0 : 0.0;
  }
  result.greatest_difference /= static_cast<double>(*high) - *low;
  result.same_top1 /= static_cast<double>(x.size() / classes);
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

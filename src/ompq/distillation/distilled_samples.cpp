#include "ompq/distillation/distilled_samples.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/runtime/passes.h"

namespace ompq::distillation {
namespace {

void check_all_read(std::int64_t count, std::int64_t wanted) {
  if (count == wanted) return;
  throw DataError(
      "distillation",
      fmt::format("{} of {} samples could not be read; remove them", wanted - count, wanted));
}

/// Sum of squares.
double energy_of(const MatrixView& values) {
  const auto* data = static_cast<const float*>(values.data);
  double sum = 0.0;
  for (std::int64_t i = 0; i < values.rows * values.cols; ++i) {
    sum += static_cast<double>(data[i]) * data[i];
  }
  return sum;
}

}  // namespace

DistilledSamples::DistilledSamples(const graph::Graph& graph,
                                   data::Dataset& dataset,
                                   const std::vector<std::int64_t>& indices,
                                   SampleOptions options,
                                   Random& random,
                                   const ProgressHandler& progress)
    : graph_(graph),
      dataset_(dataset),
      options_(std::move(options)),
      count_(static_cast<std::int64_t>(indices.size())),
      samples_per_row_(runtime::fixed_batch(graph).value_or(1)),
      memory_(options_.memory_bytes / 2, options_.cache_directory),
      float_(graph, options_.batch, {.threads = options_.threads}) {
  split(indices, random);
  load_held_out(progress);
}

void DistilledSamples::split(const std::vector<std::int64_t>& indices, Random& random) {
  std::vector<std::int64_t> samples = indices;
  random.shuffle(samples);
  // A network with a fixed batch gets the first samples again to fill a pass.
  for (std::size_t i = 0; samples.size() % static_cast<std::size_t>(samples_per_row_) != 0; ++i) {
    samples.push_back(samples[i]);
  }
  const auto count = static_cast<std::int64_t>(samples.size());
  const std::int64_t step = samples_per_step();
  // Whole steps, so that the program can run them; all samples if there are few.
  auto kept = static_cast<std::int64_t>(static_cast<double>(count) * options_.held_out);
  kept = kept / step * step;
  training_.assign(samples.begin() + kept, samples.end());
  if (kept == 0) kept = count / step * step;
  held_out_.assign(samples.begin(), samples.begin() + kept);
  std::sort(training_.begin(), training_.end());
  std::sort(held_out_.begin(), held_out_.end());
}

void DistilledSamples::load_held_out(const ProgressHandler& progress) {
  const std::int64_t rows = held_out_rows() + rows_per_step();
  const auto cache_of = [&](graph::ValueId value) {
    return std::make_shared<rounding::SampleCache>(
        rows, rounding::elements_per_sample(graph_, value), memory_);
  };
  inputs_ = cache_of(graph_.inputs().front());
  targets_ = cache_of(graph_.outputs().front());
  for (std::size_t i = 1; i < graph_.outputs().size(); ++i) {
    features_.push_back({std::make_shared<rounding::SampleCache>(
        rows_per_step(), rounding::elements_per_sample(graph_, graph_.outputs()[i]), memory_)});
  }
  std::int64_t first = 0;
  data::for_each_batch(
      dataset_,
      held_out_,
      samples_per_step(),
      [&](const data::Batch& batch) {
        put(batch, first / samples_per_row_);
        first += batch.size;
      },
      "samples",
      progress);
  check_all_read(first, static_cast<std::int64_t>(held_out_.size()));
}

/// Caches samples and the float network's outputs, starting at row `first`.
void DistilledSamples::put(const data::Batch& samples, std::int64_t first) {
  const std::int64_t count = samples.size / samples_per_row_;
  // Samples may have an additional first axis of 1.
  auto extents = graph::extents_at(*graph_.value(graph_.inputs().front()).shape, 1);
  extents.front() = samples.size;
  reconstruction::cache_samples(samples.inputs.front().reshaped(extents), first, count, *inputs_);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), first);
  for (Feature& feature : features_) feature.energy = 0.0;
  float_.run({&inputs_, 1}, rows, [&](std::size_t i, std::int64_t at, const MatrixView& made) {
    if (i == 0) {
      targets_->write(first + at, made);
    } else if (first >= held_out_rows()) {
      features_[i - 1].targets->write(at, made);
      features_[i - 1].energy += energy_of(made) / static_cast<double>(count);
    }
  });
}

void DistilledSamples::put_step(data::LoadedBatch loaded, Random& random) {
  check_all_read(loaded.batch.size, samples_per_step());
  mix_samples(loaded.batch.inputs.front(), options_.mixing, options_.mixed, random);
  put(loaded.batch, held_out_rows());
}

std::int64_t DistilledSamples::held_out_rows() const {
  return static_cast<std::int64_t>(held_out_.size()) / samples_per_row_;
}

data::LoaderOptions DistilledSamples::loader_options() const {
  const bool images = dataset_.images().has_value();
  return {.batch_size = samples_per_step(),
          .shuffle = true,
          .drop_last = true,
          .augmentation = images ? options_.augmentation : "none",
          .seed = Random(options_.seed).split("distillation samples").next(),
          .cache_bytes = options_.memory_bytes / 2};
}

std::int64_t DistilledSamples::rows_per_step() const {
  return std::min(options_.batch, (count_ + samples_per_row_ - 1) / samples_per_row_);
}

}  // namespace ompq::distillation

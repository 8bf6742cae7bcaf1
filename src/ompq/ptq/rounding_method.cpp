#include "ompq/ptq/rounding_method.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/ptq/rounding_steps.h"
#include "ompq/rounding/equalization.h"

namespace ompq::ptq {
namespace {

std::vector<MethodRow> listed_methods() {
  return {
      {.name = "nearest"},
      {.name = "gptq", .steps = {&compensation()}, .samples = {256, 512, 1024}},
      {.name = "adaround", .steps = {&layer_learning()}, .samples = {256, 1024, 1024}},
      {.name = "brecq", .steps = {&block_learning()}, .samples = {256, 1024, 1024}},
      {.name = "qdrop",
       .steps = {&block_learning()},
       .drop_probability = 0.5,
       .samples = {256, 1024, 1024}},
      {.name = "distill",
       .steps = {&compensation(), &distillation_step()},
       .samples = {256, 1024, 1024}},
  };
}

/// The papers of adaround, brecq and qdrop use 20,000 iterations.
constexpr std::array<EffortRow, 3> kEfforts{{
    {.name = "fast", .method = "gptq", .iterations = 200, .epochs = 2, .level_rate = 0.0},
    {.name = "balanced", .method = "distill", .iterations = 2000, .epochs = 2, .level_rate = 0.0},
    {.name = "best", .method = "distill", .iterations = 20'000, .epochs = 12, .level_rate = 3e-3},
}};

}  // namespace

RowTable<MethodRow>& method_rows() {
  static RowTable<MethodRow> table(listed_methods());
  return table;
}

std::span<const MethodRow> method_table() { return method_rows().rows(); }

const MethodRow& method_row(std::string_view name) {
  return method_rows().get(name, "quantize", "method");
}

const EffortRow& effort_row(Effort effort) { return kEfforts[static_cast<std::size_t>(effort)]; }

Effort effort_of(const std::string& name) {
  for (const Effort effort : {Effort::Fast, Effort::Balanced, Effort::Best}) {
    if (effort_row(effort).name == name) return effort;
  }
  throw InternalError("options", fmt::format("there is no effort '{}'", name));
}

bool reads_option(const MethodRow& row, std::string_view option) {
  return std::ranges::any_of(row.steps, [&](const RoundingStep* step) {
    return std::ranges::find(step->reads, option) != step->reads.end();
  });
}

std::vector<std::string_view> options_of_methods() {
  std::vector<std::string_view> options;
  for (const MethodRow& row : method_table()) {
    for (const RoundingStep* step : row.steps) {
      for (const std::string_view option : step->reads) {
        if (std::ranges::find(options, option) == options.end()) options.push_back(option);
      }
    }
  }
  return options;
}

std::int64_t samples_wanted(const MethodOptions& options) {
  constexpr std::int64_t kForStatistics = 256;
  const bool statistics = options.prepare.correct_bias || options.prepare.reestimate_norms;
  const MethodRow& row = method_row(options.method);
  if (row.is_plain()) return statistics ? kForStatistics : 0;
  return row.samples[static_cast<std::size_t>(options.effort)];
}

report::MethodCost expected_cost(const pipeline::Model& model,
                                 const MethodOptions& options,
                                 std::int64_t samples,
                                 double forward_seconds) {
  double passes = passes_to_prepare(options, samples);
  for (const RoundingStep* step : method_row(options.method).steps) {
    passes += step->passes(options, effort_row(options.effort), samples);
  }
  std::int64_t widest = 0;
  for (const graph::Layer& layer : model.discovery.layers) {
    widest = std::max(widest, layer.feature_elements);
  }
  constexpr std::int64_t kCaches = 4;  // input and output, float and quantized
  return {.method = options.method,
          .samples = samples,
          .seconds = passes * forward_seconds,
          .memory_bytes = std::min(cache_memory(options), kCaches * 2 * widest * samples)};
}

pipeline::Model equalized_model(const pipeline::Model& model,
                                data::Dataset& dataset,
                                const std::vector<std::int64_t>& indices,
                                std::int64_t batch_size,
                                const ProgressHandler& progress) {
  pipeline::Model equalized = model;
  const auto& layers = equalized.discovery.layers;
  const rounding::ChannelMaxima maxima =
      rounding::channel_maxima(equalized.graph, layers, dataset, indices, batch_size, {}, progress);
  const auto report = rounding::equalize(equalized.graph, layers, maxima);
  log().info("equalization: {} pairs of layers, {} channels scaled", report.pairs, report.channels);
  return equalized;
}

rounding::NetworkCodes round_network(const pipeline::Model& model,
                                     const rounding::NetworkCodes& nearest,
                                     data::Dataset& dataset,
                                     const std::vector<std::int64_t>& indices,
                                     const MethodOptions& options,
                                     pipeline::Journal* journal,
                                     report::Reconstruction& result,
                                     const ProgressHandler& progress) {
  const MethodRow& row = method_row(options.method);
  const EffortRow& effort = effort_row(options.effort);
  const RoundingRun run{model, dataset, indices, options, row, effort, journal, result, progress};
  result.method = row.name;
  result.effort = effort.name;
  result.samples = static_cast<std::int64_t>(indices.size());
  rounding::NetworkCodes codes = prepared(run, nearest);
  for (const RoundingStep* step : row.steps) {
    codes = step->run(run, std::move(codes));
    if (!step->unit.empty()) result.unit = step->unit;
  }
  return codes;
}

}  // namespace ompq::ptq

#include "ompq/ptq/rounding_method.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "ompq/core/hex.h"
#include "ompq/core/log.h"
#include "ompq/core/nearest_name.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/network.h"
#include "ompq/rounding/equalization.h"
#include "ompq/rounding/output_statistics.h"

namespace ompq::ptq {
namespace {

constexpr std::array<MethodRow, 6> kMethods{{
    {.name = "nearest"},
    {.name = "gptq", .compensate = true, .samples = {256, 512, 1024}},
    {.name = "adaround", .learn = LearnedBlocks::Layers, .samples = {256, 1024, 1024}},
    {.name = "brecq", .learn = LearnedBlocks::Blocks, .samples = {256, 1024, 1024}},
    {.name = "qdrop",
     .learn = LearnedBlocks::Blocks,
     .drop_probability = 0.5,
     .samples = {256, 1024, 1024}},
    {.name = "distill", .compensate = true, .distill = true, .samples = {256, 1024, 1024}},
}};

/// 20,000 iterations are what the papers of adaround, brecq and qdrop take.
constexpr std::array<EffortRow, 3> kEfforts{{
    {.name = "fast", .method = "gptq", .iterations = 200, .epochs = 2, .level_rate = 0.0},
    {.name = "balanced", .method = "distill", .iterations = 2000, .epochs = 2, .level_rate = 0.0},
    {.name = "best", .method = "distill", .iterations = 20'000, .epochs = 12, .level_rate = 3e-3},
}};

using PlainJson = nlohmann::json;

/// Blocks that an earlier run finished, in their order.
std::vector<reconstruction::BlockState> finished_blocks(const pipeline::Journal* journal,
                                                        std::string_view step) {
  std::vector<reconstruction::BlockState> finished;
  if (journal == nullptr) return finished;
  for (;;) {
    const auto unit = journal->find(fmt::format("{} {}", step, finished.size()));
    if (!unit) return finished;
    finished.push_back(
        reconstruction::block_state_from(from_hex(PlainJson::parse(*unit).get<std::string>())));
  }
}

/// The last epoch that an earlier run finished.
std::optional<reconstruction::DistillationState> finished_epoch(const pipeline::Journal* journal) {
  std::optional<reconstruction::DistillationState> state;
  for (std::int64_t epoch = 1; journal != nullptr; ++epoch) {
    const auto unit = journal->find(fmt::format("distillation {}", epoch));
    if (!unit) break;
    state = reconstruction::distillation_state_from(
        from_hex(PlainJson::parse(*unit).get<std::string>()));
  }
  return state;
}

report::ReconstructedBlock block_row(std::string_view step,
                                     const reconstruction::BlockReport& block) {
  return {.step = std::string(step),
          .name = block.name,
          .iterations = block.iterations,
          .seconds = block.seconds,
          .loss_before = block.loss_before,
          .loss_after = block.loss_after,
          .snr_before_db = block.snr_before_db,
          .snr_after_db = block.snr_after_db,
          .kept_initial = block.kept_initial};
}

/// One method on its way through its steps.
class Rounding {
 public:
  Rounding(const pipeline::Model& model,
           data::Dataset& dataset,
           const std::vector<std::int64_t>& indices,
           const MethodOptions& options,
           pipeline::Journal* journal,
           report::Reconstruction& result,
           const ProgressHandler& progress)
      : model_(model),
        dataset_(dataset),
        indices_(indices),
        options_(options),
        row_(method_row(options.method)),
        effort_(effort_row(options.effort)),
        journal_(journal),
        result_(result),
        progress_(progress) {
    result_.method = row_.name;
    result_.effort = effort_.name;
    result_.samples = static_cast<std::int64_t>(indices.size());
  }

  rounding::NetworkCodes run(rounding::NetworkCodes codes) {
    if (options_.prepare.analytic_bias) {
      codes.biases =
          rounding::analytic_biases(model_.graph, model_.discovery.layers, codes.weights);
    }
    if (options_.prepare.correct_bias || options_.prepare.reestimate_norms) {
      codes = restore(std::move(codes));
    }
    if (row_.compensate) codes = compensate(std::move(codes));
    if (row_.learn != LearnedBlocks::None) codes = learn(std::move(codes));
    if (row_.distill) codes = distill(std::move(codes));
    return codes;
  }

 private:
  [[nodiscard]] std::int64_t memory() const {
    return options_.memory_bytes > 0 ? options_.memory_bytes : rounding::default_memory();
  }

  rounding::NetworkCodes reconstruct(std::string_view step,
                                     rounding::NetworkCodes codes,
                                     const std::vector<graph::Block>& blocks,
                                     reconstruction::ReconstructionOptions options) {
    options.seed = options_.seed;
    options.memory_bytes = memory();
    options.cache_directory = options_.cache_directory;
    const auto finished = finished_blocks(journal_, step);
    std::size_t done = finished.size();
    const auto keep = [&](const reconstruction::BlockState& state) {
      if (journal_ == nullptr) return;
      const PlainJson text = to_hex(reconstruction::to_bytes(state));
      journal_->append(fmt::format("{} {}", step, done++), text.dump());
    };
    reconstruction::Reconstruction made = reconstruction::reconstruct(
        {model_.graph, model_.discovery.layers, blocks, std::move(codes), dataset_, indices_},
        options,
        finished,
        keep,
        progress_);
    // Restoring measures nothing of a block: what it is worth, the whole network says.
    if (options.method == reconstruction::BlockMethod::Restore) return std::move(made.codes);
    for (const auto& block : made.reports) result_.blocks.push_back(block_row(step, block));
    return std::move(made.codes);
  }

  /// Says which layers the method does not reach.
  void tell_untouched(std::string_view what, const std::vector<std::string>& names) const {
    if (names.empty()) return;
    constexpr std::size_t kMostNames = 8;
    const std::size_t shown = std::min(names.size(), kMostNames);
    log().warn("{} layers have no {} and stay rounded to nearest: {}{}",
               names.size(),
               what,
               fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
               shown < names.size() ? ", ..." : "");
  }

  /// Embeddings, stacks of matrices, recurrent operators.
  [[nodiscard]] std::vector<std::string> uncompensated(const rounding::NetworkCodes& codes) const {
    std::vector<std::string> names;
    for (const graph::Layer& layer : model_.discovery.layers) {
      const bool quantized = codes.weights.contains(model_.graph.value(layer.weight).name);
      const bool sequence = layer.use == graph::WeightUse::Lookup ||
                            layer.use == graph::WeightUse::Recurrent || layer.stacked_axes > 0;
      if (quantized && sequence) names.push_back(layer.name);
    }
    return names;
  }

  /// Embeddings and recurrent operators in blocks that no step was taken in.
  [[nodiscard]] std::vector<std::string> unlearned(const std::vector<graph::Block>& blocks) const {
    std::vector<std::string> names;
    for (const graph::Block& block : blocks) {
      const bool learned =
          std::ranges::any_of(result_.blocks, [&](const report::ReconstructedBlock& row) {
            return row.step == "learning" && row.name == block.name && row.iterations > 0;
          });
      for (const graph::LayerId id : block.layers) {
        const graph::Layer& layer = model_.discovery.layers[static_cast<std::size_t>(id)];
        const bool sequence =
            layer.use == graph::WeightUse::Lookup || layer.use == graph::WeightUse::Recurrent;
        if (sequence && !learned) names.push_back(layer.name);
      }
    }
    return names;
  }

  rounding::NetworkCodes compensate(rounding::NetworkCodes codes) {
    tell_untouched("error compensation", uncompensated(codes));
    reconstruction::ReconstructionOptions options{.method =
                                                      reconstruction::BlockMethod::Compensate};
    options.training.threads = options_.threads;
    return reconstruct("compensation",
                       std::move(codes),
                       rounding::layer_blocks(model_.graph, model_.discovery.layers),
                       options);
  }

  rounding::NetworkCodes restore(rounding::NetworkCodes codes) {
    reconstruction::ReconstructionOptions options{
        .method = reconstruction::BlockMethod::Restore,
        .restore_means = options_.prepare.correct_bias,
        .restore_spreads = options_.prepare.reestimate_norms};
    options.training.threads = options_.threads;
    rounding::NetworkCodes restored =
        reconstruct("restoration",
                    codes,
                    rounding::layer_blocks(model_.graph, model_.discovery.layers),
                    options);
    result_.restoration = {.snr_before_db = snr_db(codes), .snr_after_db = snr_db(restored)};
    result_.restoration->kept_initial =
        !(result_.restoration->snr_after_db > result_.restoration->snr_before_db);
    return result_.restoration->kept_initial ? codes : restored;
  }

  /// Of the network's outputs, on the samples that the method works with.
  [[nodiscard]] double snr_db(const rounding::NetworkCodes& codes) const {
    std::vector<int> widths;
    for (const graph::Layer& layer : model_.discovery.layers) {
      const auto found = codes.weights.find(model_.graph.value(layer.weight).name);
      widths.push_back(found == codes.weights.end() ? allocation::kFloatBits
                                                    : found->second.params.bits.value());
    }
    const pipeline::QuantizedNetwork network = pipeline::assemble_network(model_, widths, codes);
    pipeline::EvaluateOptions options{.task = "restoration"};
    options.executor.threads = options_.threads;
    const auto made =
        pipeline::evaluate(network.graph, dataset_, indices_, options, &model_.graph, progress_);
    return made.evaluation.snr_db.value_or(std::numeric_limits<double>::infinity());
  }

  rounding::NetworkCodes learn(rounding::NetworkCodes codes) {
    reconstruction::ReconstructionOptions options{.weight = options_.weight};
    options.training.iterations = options_.iterations.value_or(effort_.iterations);
    options.training.drop_probability = row_.drop_probability;
    options.training.threads = options_.threads;
    const bool layers = row_.learn == LearnedBlocks::Layers;
    const std::vector<graph::Block> blocks =
        layers ? rounding::layer_blocks(model_.graph, model_.discovery.layers)
               : model_.discovery.blocks;
    codes = reconstruct("learning", std::move(codes), blocks, options);
    tell_untouched("learned rounding", unlearned(blocks));
    return codes;
  }

  rounding::NetworkCodes distill(rounding::NetworkCodes codes) {
    if (const auto obstacle = distillation::obstacle_to_distillation(model_.graph)) {
      log().warn("the network is not tuned as a whole and stays as gptq rounds it: {}", *obstacle);
      return codes;
    }
    distillation::DistillationOptions options{.epochs = options_.epochs.value_or(effort_.epochs),
                                              .level_rate = effort_.level_rate,
                                              .augmentation = options_.augmentation,
                                              .threads = options_.threads,
                                              .seed = options_.seed,
                                              .memory_bytes = memory(),
                                              .cache_directory = options_.cache_directory};
    const auto finished = finished_epoch(journal_);
    const auto keep = [&](const reconstruction::DistillationState& state) {
      if (journal_ == nullptr) return;
      const PlainJson text = to_hex(reconstruction::to_bytes(state));
      journal_->append(fmt::format("distillation {}", state.epochs), text.dump());
    };
    const distillation::Distillation made = distillation::distill(
        {model_.graph, model_.discovery.layers, std::move(codes), dataset_, indices_},
        options,
        finished,
        keep,
        progress_);
    result_.distillation = {.steps = made.steps,
                            .seconds = made.seconds,
                            .loss_before = made.loss_before,
                            .loss_after = made.loss_after,
                            .kept_initial = made.kept_initial};
    return made.codes;
  }

  const pipeline::Model& model_;
  data::Dataset& dataset_;
  const std::vector<std::int64_t>& indices_;
  const MethodOptions& options_;
  const MethodRow& row_;
  const EffortRow& effort_;
  pipeline::Journal* journal_;
  report::Reconstruction& result_;
  const ProgressHandler& progress_;
};

}  // namespace

std::span<const MethodRow> method_table() { return kMethods; }

const MethodRow& method_row(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, &MethodRow::name);
  if (found != kMethods.end()) return *found;
  std::vector<std::string> names;
  for (const MethodRow& row : kMethods) names.emplace_back(row.name);
  throw ConfigError(
      "quantize",
      fmt::format("no method '{}'; did you mean '{}'?", name, nearest_name(name, names)));
}

const EffortRow& effort_row(Effort effort) { return kEfforts[static_cast<std::size_t>(effort)]; }

Effort effort_of(const std::string& name) {
  for (const Effort effort : {Effort::Fast, Effort::Balanced, Effort::Best}) {
    if (effort_row(effort).name == name) return effort;
  }
  throw InternalError("options", fmt::format("there is no effort '{}'", name));
}

std::int64_t samples_wanted(const MethodOptions& options) {
  constexpr std::int64_t kForStatistics = 256;
  const bool statistics = options.prepare.correct_bias || options.prepare.reestimate_norms;
  if (method_row(options.method).name == "nearest") return statistics ? kForStatistics : 0;
  return method_row(options.method).samples[static_cast<std::size_t>(options.effort)];
}

report::MethodCost expected_cost(const pipeline::Model& model,
                                 const MethodOptions& options,
                                 std::int64_t samples,
                                 double forward_seconds) {
  // Multiples of a forward pass, as measured (bench/reconstruction_bench.cpp).
  constexpr double kCompensation = 12.0;
  constexpr double kTraining = 6.0;
  constexpr double kLearning = 8.0;
  const MethodRow& row = method_row(options.method);
  const EffortRow& effort = effort_row(options.effort);
  const auto count = static_cast<double>(samples);
  double passes = 0;
  if (options.prepare.correct_bias || options.prepare.reestimate_norms) {
    passes += kCompensation * count;
  }
  if (row.compensate) passes += kCompensation * count;
  if (row.learn != LearnedBlocks::None) {
    constexpr double kBatch = 32;
    passes +=
        kLearning * kBatch * static_cast<double>(options.iterations.value_or(effort.iterations));
  }
  if (row.distill) {
    passes += kTraining * count * static_cast<double>(options.epochs.value_or(effort.epochs));
  }
  std::int64_t widest = 0;
  for (const graph::Layer& layer : model.discovery.layers) {
    widest = std::max(widest, layer.feature_elements);
  }
  constexpr std::int64_t kCaches = 4;  // input and output, float and quantized
  const std::int64_t memory =
      options.memory_bytes > 0 ? options.memory_bytes : rounding::default_memory();
  return {.method = options.method,
          .samples = samples,
          .seconds = passes * forward_seconds,
          .memory_bytes = std::min(memory, kCaches * 2 * widest * samples)};
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
  return Rounding(model, dataset, indices, options, journal, result, progress).run(nearest);
}

}  // namespace ompq::ptq

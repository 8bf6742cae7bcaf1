#include "ompq/ptq/rounding_steps.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "ompq/core/hex.h"
#include "ompq/core/log.h"
#include "ompq/core/memory_budget.h"
#include "ompq/distillation/distillation.h"
#include "ompq/distillation/distilled_network.h"
#include "ompq/fields/read.h"
#include "ompq/pipeline/evaluate.h"
#include "ompq/pipeline/network.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/reconstruction/state_check.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/rounding/output_statistics.h"

namespace ompq::ptq {
namespace {

// Names in the journal.
constexpr std::string_view kCompensation = "compensation";
constexpr std::string_view kRestoration = "restoration";
constexpr std::string_view kLearning = "learning";
constexpr std::string_view kDistillation = "distillation";
/// Samples of a distillation's epoch; fewer are repeated, since few samples need as many steps.
constexpr std::int64_t kEpochSamples = 1000;

constexpr std::array<std::string_view, 2> kLearningReads{"iterations", "fisher"};
constexpr std::array<std::string_view, 2> kDistillationReads{"epochs", "augment"};

using PlainJson = nlohmann::json;

/// The bytes of a unit.
std::string unit_bytes(const std::string& unit) {
  const fields::Source source{.place = "journal", .remedy = "remove it to start again"};
  return from_hex(fields::from_json<std::string>(fields::parse(unit, source), source));
}

/// The names of the blocks, in the order in which they are rounded.
std::vector<std::string> names_in_order(const graph::Graph& graph,
                                        const std::vector<graph::Block>& blocks) {
  std::vector<std::string> names;
  for (const rounding::Stage& stage : rounding::plan_stages(graph, blocks)) {
    if (stage.block >= 0) names.push_back(blocks[static_cast<std::size_t>(stage.block)].name);
  }
  return names;
}

/// Blocks finished by an earlier run, in their order.
std::vector<reconstruction::BlockState> finished_blocks(const RoundingRun& run,
                                                        std::string_view step,
                                                        const rounding::NetworkCodes& codes,
                                                        const std::vector<graph::Block>& blocks) {
  std::vector<reconstruction::BlockState> finished;
  if (run.journal == nullptr) return finished;
  for (const std::string& name : names_in_order(run.model.graph, blocks)) {
    auto state = run.journal->take(
        fmt::format("{} {}", step, finished.size()), [&](const std::string& unit) {
          auto kept = reconstruction::block_state_from(unit_bytes(unit));
          reconstruction::check_state(kept, name, run.model.graph, codes);
          return kept;
        });
    if (!state) break;
    finished.push_back(std::move(*state));
  }
  return finished;
}

/// The last epoch finished by an earlier run.
std::optional<reconstruction::DistillationState> finished_epoch(const RoundingRun& run,
                                                                const rounding::NetworkCodes& codes,
                                                                std::int64_t epochs) {
  std::optional<reconstruction::DistillationState> state;
  for (std::int64_t epoch = 1; run.journal != nullptr && epoch <= epochs; ++epoch) {
    auto kept =
        run.journal->take(fmt::format("{} {}", kDistillation, epoch), [&](const std::string& unit) {
          auto read = reconstruction::distillation_state_from(unit_bytes(unit));
          reconstruction::check_state(read, epoch, run.model.graph, codes);
          return read;
        });
    if (!kept) break;
    state = std::move(kept);
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

rounding::NetworkCodes reconstruct(const RoundingRun& run,
                                   std::string_view step,
                                   rounding::NetworkCodes codes,
                                   const std::vector<graph::Block>& blocks,
                                   reconstruction::ReconstructionOptions options) {
  options.seed = run.options.seed;
  options.memory_bytes = cache_memory(run.options);
  options.cache_directory = run.options.cache_directory;
  const auto finished = finished_blocks(run, step, codes, blocks);
  std::size_t done = finished.size();
  const auto keep = [&](const reconstruction::BlockState& state) {
    if (run.journal == nullptr) return;
    const PlainJson text = to_hex(reconstruction::to_bytes(state));
    run.journal->append(fmt::format("{} {}", step, done++), text.dump());
  };
  reconstruction::Reconstruction made = reconstruction::reconstruct({run.model.graph,
                                                                     run.model.discovery.layers,
                                                                     blocks,
                                                                     std::move(codes),
                                                                     run.dataset,
                                                                     run.indices},
                                                                    options,
                                                                    finished,
                                                                    keep,
                                                                    run.progress);
  std::int64_t& file_bytes = run.result.cache_file_bytes;
  file_bytes = std::max(file_bytes, made.file_bytes);
  // Restoring has no loss per block; it is evaluated on the whole network.
  if (options.method == reconstruction::BlockMethod::Restore) return std::move(made.codes);
  for (const auto& block : made.reports) run.result.blocks.push_back(block_row(step, block));
  return std::move(made.codes);
}

/// Warns about layers that the method does not support.
void tell_untouched(std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  constexpr std::size_t kMostNames = 8;
  const std::size_t shown = std::min(names.size(), kMostNames);
  log().warn("{} layers have no {} and are rounded to nearest: {}{}",
             names.size(),
             what,
             fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
             shown < names.size() ? ", ..." : "");
}

/// Embeddings, stacks of matrices, recurrent operators.
std::vector<std::string> uncompensated(const RoundingRun& run,
                                       const rounding::NetworkCodes& codes) {
  std::vector<std::string> names;
  for (const graph::Layer& layer : run.model.discovery.layers) {
    const bool quantized = codes.weights.contains(run.model.graph.value(layer.weight).name);
    const bool sequence = layer.use == graph::WeightUse::Lookup ||
                          layer.use == graph::WeightUse::Recurrent || layer.stacked_axes > 0;
    if (quantized && sequence) names.push_back(layer.name);
  }
  return names;
}

/// Embeddings and recurrent operators in blocks that were not optimized.
std::vector<std::string> unlearned(const RoundingRun& run,
                                   const std::vector<graph::Block>& blocks) {
  std::vector<std::string> names;
  for (const graph::Block& block : blocks) {
    const bool learned =
        std::ranges::any_of(run.result.blocks, [&](const report::ReconstructedBlock& row) {
          return row.step == kLearning && row.name == block.name && row.iterations > 0;
        });
    for (const graph::LayerId id : block.layers) {
      const graph::Layer& layer = run.model.discovery.layers[static_cast<std::size_t>(id)];
      const bool sequence =
          layer.use == graph::WeightUse::Lookup || layer.use == graph::WeightUse::Recurrent;
      if (sequence && !learned) names.push_back(layer.name);
    }
  }
  return names;
}

rounding::NetworkCodes compensate(const RoundingRun& run, rounding::NetworkCodes codes) {
  tell_untouched("error compensation", uncompensated(run, codes));
  reconstruction::ReconstructionOptions options{.method = reconstruction::BlockMethod::Compensate};
  options.training.threads = run.options.threads;
  return reconstruct(run,
                     kCompensation,
                     std::move(codes),
                     rounding::layer_blocks(run.model.graph, run.model.discovery.layers),
                     options);
}

/// SNR of the network's outputs on the method's samples.
double snr_db(const RoundingRun& run, const rounding::NetworkCodes& codes) {
  std::vector<int> widths;
  for (const graph::Layer& layer : run.model.discovery.layers) {
    const auto found = codes.weights.find(run.model.graph.value(layer.weight).name);
    widths.push_back(found == codes.weights.end() ? allocation::kFloatBits
                                                  : found->second.params.bits.value());
  }
  const pipeline::QuantizedNetwork network = pipeline::assemble_network(run.model, widths, codes);
  pipeline::EvaluateOptions options{.task = "restoration"};
  options.executor.threads = run.options.threads;
  const auto made = pipeline::evaluate(
      network.graph, run.dataset, run.indices, options, &run.model.graph, run.progress);
  return made.evaluation.snr_db.value_or(std::numeric_limits<double>::infinity());
}

rounding::NetworkCodes restore(const RoundingRun& run, rounding::NetworkCodes codes) {
  reconstruction::ReconstructionOptions options{
      .method = reconstruction::BlockMethod::Restore,
      .restore_means = run.options.prepare.correct_bias,
      .restore_spreads = run.options.prepare.reestimate_norms};
  options.training.threads = run.options.threads;
  rounding::NetworkCodes restored =
      reconstruct(run,
                  kRestoration,
                  codes,
                  rounding::layer_blocks(run.model.graph, run.model.discovery.layers),
                  options);
  run.result.restoration = {.snr_before_db = snr_db(run, codes),
                            .snr_after_db = snr_db(run, restored)};
  run.result.restoration->kept_initial =
      !(run.result.restoration->snr_after_db > run.result.restoration->snr_before_db);
  return run.result.restoration->kept_initial ? codes : restored;
}

rounding::NetworkCodes learn(const RoundingRun& run,
                             rounding::NetworkCodes codes,
                             const std::vector<graph::Block>& blocks) {
  reconstruction::ReconstructionOptions options{.weight = run.options.weight};
  options.training.iterations = run.options.iterations.value_or(run.effort.iterations);
  options.training.drop_probability = run.row.drop_probability;
  options.training.threads = run.options.threads;
  codes = reconstruct(run, kLearning, std::move(codes), blocks, options);
  tell_untouched("learned rounding", unlearned(run, blocks));
  return codes;
}

rounding::NetworkCodes learn_layers(const RoundingRun& run, rounding::NetworkCodes codes) {
  return learn(
      run, std::move(codes), rounding::layer_blocks(run.model.graph, run.model.discovery.layers));
}

rounding::NetworkCodes learn_blocks(const RoundingRun& run, rounding::NetworkCodes codes) {
  return learn(run, std::move(codes), run.model.discovery.blocks);
}

rounding::NetworkCodes distill(const RoundingRun& run, rounding::NetworkCodes codes) {
  if (const auto reason = distillation::unsupported_reason(run.model.graph)) {
    log().warn("the network is not tuned as a whole, only rounded by gptq: {}", *reason);
    return codes;
  }
  // Repeated samples overfit, unless they are mixed and blocks are compared, too (ADR 10).
  const bool repeated =
      distillation::repeats_of(static_cast<std::int64_t>(run.indices.size()), kEpochSamples) > 1;
  distillation::DistillationOptions options{
      .epochs = run.options.epochs.value_or(run.effort.epochs),
      .epoch_samples = kEpochSamples,
      .level_rate = run.effort.level_rate,
      .augmentation = run.options.augmentation,
      .mixing = repeated ? distillation::Mixing::Paste : distillation::Mixing::None,
      .feature_weight = repeated ? 3.0 : 0.0,
      .threads = run.options.threads,
      .seed = run.options.seed,
      .memory_bytes = cache_memory(run.options),
      .cache_directory = run.options.cache_directory};
  const auto finished = finished_epoch(run, codes, options.epochs);
  const auto keep = [&](const reconstruction::DistillationState& state) {
    if (run.journal == nullptr) return;
    const PlainJson text = to_hex(reconstruction::to_bytes(state));
    run.journal->append(fmt::format("{} {}", kDistillation, state.epochs), text.dump());
  };
  const auto distilled = [&](const std::optional<reconstruction::DistillationState>& from) {
    return distillation::distill({run.model.graph,
                                  run.model.discovery.layers,
                                  run.model.discovery.blocks,
                                  codes,
                                  run.dataset,
                                  run.indices},
                                 options,
                                 from,
                                 keep,
                                 run.progress);
  };
  distillation::Distillation made;
  try {
    made = distilled(finished);
  } catch (const distillation::UnusableState& error) {
    run.journal->drop_from(fmt::format("{} 1", kDistillation), error.reason());
    made = distilled({});
  }
  run.result.distillation = {.steps = made.steps,
                             .seconds = made.seconds,
                             .loss_before = made.loss_before,
                             .loss_after = made.loss_after,
                             .kept_initial = made.kept_initial};
  return made.codes;
}

// Multiples of a forward pass, as measured (bench/reconstruction_bench.cpp).

double passes_to_compensate(const MethodOptions&, const EffortRow&, std::int64_t samples) {
  return 12.0 * static_cast<double>(samples);
}

double passes_to_learn(const MethodOptions& options, const EffortRow& effort, std::int64_t) {
  constexpr double kBatch = 32;
  return 8.0 * kBatch * static_cast<double>(options.iterations.value_or(effort.iterations));
}

double passes_to_distill(const MethodOptions& options,
                         const EffortRow& effort,
                         std::int64_t samples) {
  const std::int64_t repeats = distillation::repeats_of(samples, kEpochSamples);
  return 6.0 * static_cast<double>(repeats * samples) *
         static_cast<double>(options.epochs.value_or(effort.epochs));
}

}  // namespace

std::int64_t cache_memory(const MethodOptions& options) {
  const bool given = options.memory_bytes > 0 && !memory_part();
  return given ? options.memory_bytes : rounding::default_memory();
}

const RoundingStep& compensation() {
  static constexpr RoundingStep step{
      .name = kCompensation, .run = compensate, .passes = passes_to_compensate, .unit = "layer"};
  return step;
}

const RoundingStep& layer_learning() {
  static constexpr RoundingStep step{.name = kLearning,
                                     .run = learn_layers,
                                     .passes = passes_to_learn,
                                     .unit = "layer",
                                     .reads = kLearningReads};
  return step;
}

const RoundingStep& block_learning() {
  static constexpr RoundingStep step{.name = kLearning,
                                     .run = learn_blocks,
                                     .passes = passes_to_learn,
                                     .unit = "block",
                                     .reads = kLearningReads};
  return step;
}

const RoundingStep& distillation_step() {
  static constexpr RoundingStep step{.name = kDistillation,
                                     .run = distill,
                                     .passes = passes_to_distill,
                                     .reads = kDistillationReads};
  return step;
}

rounding::NetworkCodes prepared(const RoundingRun& run, rounding::NetworkCodes codes) {
  const Preparation& prepare = run.options.prepare;
  if (prepare.analytic_bias) {
    codes.biases =
        rounding::analytic_biases(run.model.graph, run.model.discovery.layers, codes.weights);
  }
  if (prepare.correct_bias || prepare.reestimate_norms) codes = restore(run, std::move(codes));
  return codes;
}

double passes_to_prepare(const MethodOptions& options, std::int64_t samples) {
  const bool restores = options.prepare.correct_bias || options.prepare.reestimate_norms;
  return restores ? 12.0 * static_cast<double>(samples) : 0.0;
}

}  // namespace ompq::ptq

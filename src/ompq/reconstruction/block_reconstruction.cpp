#include "ompq/reconstruction/block_reconstruction.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "ompq/core/error.h"
#include "ompq/core/log.h"
#include "ompq/core/random.h"
#include "ompq/data/batches.h"
#include "ompq/reconstruction/block_fisher.h"
#include "ompq/reconstruction/cached_inputs.h"
#include "ompq/reconstruction/layer_methods.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/rounding/quantizer_limits.h"
#include "ompq/runtime/pass_memory.h"
#include "ompq/runtime/passes.h"
#include "ompq/targets/target_table.h"

namespace ompq::reconstruction {
namespace {

using graph::ValueId;
using CachePointer = std::shared_ptr<rounding::SampleCache>;

/// Caches of one activation: in the float network and after the quantized prefix.
struct ValueCaches {
  CachePointer exact;
  CachePointer quantized;
};

class Reconstructor {
 public:
  Reconstructor(const ReconstructionRequest& request,
                const ReconstructionOptions& options,
                const std::vector<BlockState>& finished,
                const BlockHandler& on_block,
                const ProgressHandler& progress)
      : request_(request),
        options_(options),
        finished_(finished),
        on_block_(on_block),
        progress_(progress),
        memory_(options.memory_bytes, options.cache_directory),
        stages_(rounding::plan_stages(request.graph, request.blocks)) {
    check();
    result_.codes = request.initial;
    limits_ = rounding::quantizer_limits(request.graph,
                                         request.layers,
                                         request.initial.activations,
                                         targets::target(request.initial.target));
  }

  Reconstruction run() {
    if (request_.blocks.empty()) return std::move(result_);
    count_readers();
    weigh();
    load_inputs();
    for (const rounding::Stage& stage : stages_) run_stage(stage);
    result_.file_bytes = memory_.most_file_bytes();
    return std::move(result_);
  }

 private:
  void check() const {
    for (const auto& [name, codes] : request_.initial.weights) {
      const ValueId id = request_.graph.find_value(name);
      if (id == graph::kNoValue || !request_.graph.is_constant(id)) {
        throw ConfigError(
            "reconstruction",
            fmt::format("initial codes for '{}', which is not a weight of the network", name));
      }
    }
    if (request_.indices.empty()) {
      throw ConfigError("reconstruction", "no samples to reconstruct with; give at least one");
    }
    std::size_t at = 0;
    for (const rounding::Stage& stage : stages_) {
      if (stage.block < 0 || at == finished_.size()) continue;
      const std::string& name = block_of(stage).name;
      if (finished_[at].name != name) {
        throw ConfigError("reconstruction",
                          fmt::format("block {} is '{}' in the journal but '{}' in the network; "
                                      "start again for another network or method",
                                      at + 1,
                                      finished_[at].name,
                                      name));
      }
      ++at;
    }
  }

  const graph::Block& block_of(const rounding::Stage& stage) const {
    return request_.blocks[static_cast<std::size_t>(stage.block)];
  }

  /// Samples per row: one, or the network's fixed batch.
  [[nodiscard]] std::int64_t fixed_batch() const {
    return runtime::fixed_batch(request_.graph).value_or(1);
  }

  /// Token ids and the like must be stored exactly.
  CachePointer make_cache(ValueId value) {
    const bool real = request_.graph.value(value).type == DataType::Float32;
    return std::make_shared<rounding::SampleCache>(
        row_count_,
        rounding::elements_per_sample(request_.graph, value),
        memory_,
        real ? rounding::CacheElement::Short : rounding::CacheElement::Float32);
  }

  /// Number of stages that read each value; its caches are freed after the last one.
  void count_readers() {
    for (const rounding::Stage& stage : stages_) {
      for (const ValueId value : stage.inputs) ++readers_[value];
    }
  }

  void load_inputs() {
    const auto samples = static_cast<std::int64_t>(request_.indices.size());
    row_count_ = (samples + fixed_batch() - 1) / fixed_batch();
    last_row_share_ = static_cast<double>(samples - (row_count_ - 1) * fixed_batch()) /
                      static_cast<double>(fixed_batch());
    for (const ValueId id : request_.graph.inputs()) {
      if (!readers_.contains(id)) continue;
      const CachePointer cache = make_cache(id);
      caches_[id] = {cache, cache};
    }
    std::int64_t first = 0;
    data::for_each_batch(
        request_.dataset,
        request_.indices,
        runtime::samples_in_memory(request_.graph, options_.forward_batch),
        [&](const data::Batch& loaded) {
          first += cache_inputs(request_.graph, loaded, first, [&](ValueId id) {
            const auto found = caches_.find(id);
            return found == caches_.end() ? nullptr : found->second.exact.get();
          });
        },
        "samples",
        progress_);
    if (first < row_count_) {
      throw DataError("reconstruction",
                      fmt::format("{} of {} samples could not be read; remove them",
                                  (row_count_ - first) * fixed_batch(),
                                  samples));
    }
  }

  void weigh() {
    if (options_.weight == ErrorWeight::Plain) return;
    std::vector<ValueId> outputs;
    std::size_t skip = finished_.size();
    for (const rounding::Stage& stage : stages_) {
      if (stage.block < 0) continue;
      if (skip > 0) {
        --skip;
      } else {
        outputs.push_back(block_of(stage).output);
      }
    }
    if (outputs.empty()) return;
    try {
      fisher_ = fisher_weights(request_.graph,
                               outputs,
                               request_.dataset,
                               request_.indices,
                               options_.seed,
                               memory_,
                               options_.training.threads,
                               progress_);
    } catch (const DataError& error) {
      log().warn("errors are not weighted by the Fisher information: {}", error.what());
    }
  }

  // --- stages ------------------------------------------------------------------------------------

  std::vector<CachePointer> inputs_of(const rounding::Stage& stage, bool quantized) const {
    std::vector<CachePointer> inputs;
    for (const ValueId value : stage.inputs) {
      const ValueCaches& caches = caches_.at(value);
      inputs.push_back(quantized ? caches.quantized : caches.exact);
    }
    return inputs;
  }

  void run_stage(const rounding::Stage& stage) {
    const rounding::PartGraph part =
        rounding::extract_part(request_.graph, stage.nodes, stage.inputs, stage.outputs);
    run_exact(stage, part);
    if (stage.block >= 0) run_block(stage, part);
    const bool last = &stage == &stages_.back();
    if (!last) run_quantized(stage, part);
    for (const ValueId value : stage.inputs) {
      if (--readers_.at(value) == 0) caches_.erase(value);
    }
    if (stage.block >= 0) fisher_.erase(block_of(stage).output);
  }

  runtime::ExecutorOptions executor() const { return {.threads = options_.training.threads}; }

  void run_exact(const rounding::Stage& stage, const rounding::PartGraph& part) {
    std::vector<CachePointer> outputs;
    for (const ValueId value : stage.outputs) {
      outputs.push_back(make_cache(value));
      caches_[value].exact = outputs.back();
    }
    run_cached(part.graph, inputs_of(stage, false), outputs, forward_batch_, executor());
  }

  /// If nothing is quantized, both caches are equal.
  [[nodiscard]] bool is_float() const {
    return result_.codes.weights.empty() && result_.codes.activations.empty();
  }

  void run_quantized(const rounding::Stage& stage, const rounding::PartGraph& part) {
    if (is_float()) {
      for (const ValueId value : stage.outputs) caches_[value].quantized = caches_[value].exact;
      return;
    }
    std::vector<CachePointer> outputs;
    for (const ValueId value : stage.outputs) {
      outputs.push_back(make_cache(value));
      caches_[value].quantized = outputs.back();
    }
    run_cached(quantized_part(part, request_.layers, result_.codes),
               inputs_of(stage, true),
               outputs,
               forward_batch_,
               executor());
  }

  // --- blocks ------------------------------------------------------------------------------------

  void run_block(const rounding::Stage& stage, const rounding::PartGraph& part) {
    const std::size_t number = blocks_done_++;
    if (options_.method == BlockMethod::Visit) {
      const auto layer = static_cast<std::size_t>(block_of(stage).layers.front());
      tell(number, 0, 1.0);
      if (!rounding::has_input_moments(request_.graph, request_.layers[layer])) return;
      return options_.visit(layer, inputs_of_layer(request_.layers[layer]));
    }
    if (number < finished_.size()) {
      apply(finished_[number]);
      freeze(part);
      return;
    }
    BlockState state = options_.method == BlockMethod::Learn ? learn(stage, part, number)
                                                             : round_layer(stage, number);
    apply(state);
    freeze(part);
    if (on_block_) on_block_(state);
  }

  void apply(const BlockState& state) {
    for (const auto& [name, codes] : state.codes) result_.codes.weights.at(name) = codes;
    for (const auto& [name, step] : state.steps) {
      result_.codes.activations.at(request_.graph.find_value(name)).scale = {step};
    }
    limits_.repeat(result_.codes.activations);
    for (const auto& [name, bias] : state.biases) result_.codes.biases[name] = bias;
    result_.reports.push_back(state.report);
  }

  /// Fixes the results of this block for later blocks.
  void freeze(const rounding::PartGraph& part) {
    for (const auto& [whole, own] : part.own) {
      if (own != graph::kNoValue && !part.graph.consumers(own).empty()) frozen_.insert(whole);
    }
  }

  /// @param block  the part's graph with the biases of the quantized network.
  TrainingProblem problem_of(const rounding::Stage& stage,
                             const rounding::PartGraph& part,
                             const graph::Graph& block) const {
    TrainingProblem problem{.block = block};
    for (const graph::Layer& layer : rounding::layers_of_part(part, request_.layers)) {
      const std::string& name = part.graph.value(layer.weight).name;
      const auto codes = result_.codes.weights.find(name);
      if (codes == result_.codes.weights.end()) continue;
      const bool frozen = frozen_.contains(request_.graph.find_value(name));
      (frozen ? problem.frozen : problem.codes).emplace(layer.weight, codes->second);
    }
    for (const auto& [value, params] : result_.codes.activations) {
      const auto own = part.own.find(value);
      if (own == part.own.end() || part.graph.consumers(own->second).empty()) continue;
      if (limits_.is_on_grid(value)) continue;
      problem.quantizers.emplace(own->second, params);
      if (options_.learn_steps && !frozen_.contains(value) && !limits_.tied.contains(value)) {
        problem.learned_steps.emplace(own->second, limits_.rule(value));
      }
    }
    const ValueCaches& input = caches_.at(stage.inputs.front());
    problem.data = {.inputs = input.quantized.get(),
                    .targets = caches_.at(block_of(stage).output).exact.get()};
    if (options_.training.drop_probability > 0) problem.data.float_inputs = input.exact.get();
    if (const auto found = fisher_.find(block_of(stage).output); found != fisher_.end()) {
      problem.data.weights = found->second.roots.get();
      problem.weight_scale = 1.0 / found->second.mean_square;
    }
    return problem;
  }

  BlockState learn(const rounding::Stage& stage,
                   const rounding::PartGraph& part,
                   std::size_t number) {
    const graph::Block& block = block_of(stage);
    BlockState state{.name = block.name};
    BlockReport& report = state.report;
    report.name = block.name;
    // An operator with further inputs, such as the initial state of an LSTM.
    if (stage.inputs.size() != 1) return state;
    graph::Graph own = part.graph;
    rounding::replace_biases(own, result_.codes.biases);
    const TrainingProblem problem = problem_of(stage, part, own);
    const auto rows = measured_rows();
    const BlockError before = measure(stage, part, result_.codes, rows);
    report.loss_before = before.noise / std::max(before.signal, 1e-300);
    report.snr_before_db = before.snr_db();
    report.loss_after = report.loss_before;
    report.snr_after_db = report.snr_before_db;
    const bool learns = !problem.codes.empty() || !problem.learned_steps.empty();
    if (!learns || !can_learn(part.graph)) return state;

    TrainingOptions training = options_.training;
    training.batch = std::min(training.batch, row_count_);
    const Random random = Random(options_.seed).split("block " + block.name);
    const TrainingResult trained = train_block(
        problem, training, Random(random).next(), [&](std::int64_t iteration, double loss) {
          tell(number, iteration, loss * report.loss_before);
        });
    report.seconds = trained.seconds;
    report.iterations = training.iterations;
    rounding::NetworkCodes codes = result_.codes;
    take(part, trained, codes, state);
    const BlockError after = measure(stage, part, codes, rows);
    report.kept_initial = !(after.noise < before.noise);
    if (report.kept_initial) {
      state.codes.clear();
      state.steps.clear();
      return state;
    }
    report.loss_after = after.noise / std::max(after.signal, 1e-300);
    report.snr_after_db = after.snr_db();
    return state;
  }

  /// True for a block with one input and one output activation with contiguous samples.
  static bool can_learn(const graph::Graph& block) {
    const auto fits = [&](ValueId id) {
      return block.value(id).type == DataType::Float32 && rounding::has_samples_first(block, id);
    };
    return block.inputs().size() == 1 && fits(block.inputs().front()) &&
           fits(block.outputs().front());
  }

  rounding::LayerInputs inputs_of_layer(const graph::Layer& layer) const {
    const ValueCaches& input = caches_.at(layer.input);
    rounding::LayerInputs inputs{.exact = input.exact.get(), .quantized = input.quantized.get()};
    inputs.last_row_share = last_row_share_;
    const auto quantizer = result_.codes.activations.find(layer.input);
    if (quantizer != result_.codes.activations.end()) inputs.quantizer = quantizer->second;
    return inputs;
  }

  /// Error-compensated rounding, or bias correction and norm re-estimation, of the one layer of a
  /// block.
  BlockState round_layer(const rounding::Stage& stage, std::size_t number) const {
    const graph::Block& block = block_of(stage);
    BlockState state{.name = block.name};
    state.report.name = block.name;
    tell(number, 0, 1.0);
    const graph::Layer& layer = request_.layers[static_cast<std::size_t>(block.layers.front())];
    const auto codes = result_.codes.weights.find(request_.graph.value(layer.weight).name);
    if (codes == result_.codes.weights.end() || frozen_.contains(layer.weight) ||
        !rounding::has_input_moments(request_.graph, layer)) {
      return state;
    }
    const LayerCodes given{request_.graph, layer, codes->second, inputs_of_layer(layer)};
    rounding::GptqOptions gptq = options_.gptq;
    gptq.moments.seed = Random(options_.seed).split("layer " + layer.name).next();
    if (options_.method == BlockMethod::Compensate) {
      compensate_layer(given, gptq, state);
    } else {
      restore_layer(given, {options_.restore_means, options_.restore_spreads, gptq.moments}, state);
    }
    return state;
  }

  void take(const rounding::PartGraph& part,
            const TrainingResult& trained,
            rounding::NetworkCodes& codes,
            BlockState& state) const {
    for (const auto& [weight, learned] : trained.codes) {
      const std::string& name = part.graph.value(weight).name;
      codes.weights.at(name) = learned;
      state.codes.emplace(name, learned);
    }
    for (auto& [value, params] : codes.activations) {
      const auto own = part.own.find(value);
      if (own == part.own.end() || !trained.quantizers.contains(own->second)) continue;
      params = trained.quantizers.at(own->second);
      state.steps.emplace(request_.graph.value(value).name, params.scale.front());
    }
    limits_.repeat(codes.activations);
  }

  /// Rows evenly from all samples.
  std::vector<std::int64_t> measured_rows() const {
    const std::int64_t count =
        std::min(std::max<std::int64_t>(options_.measured_rows, 1), row_count_);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<std::int64_t>(i) * row_count_ / count;
    }
    return rows;
  }

  BlockError measure(const rounding::Stage& stage,
                     const rounding::PartGraph& part,
                     const rounding::NetworkCodes& codes,
                     std::span<const std::int64_t> rows) const {
    const auto weights = fisher_.find(block_of(stage).output);
    return measure_error(quantized_part(part, request_.layers, codes),
                         caches_.at(stage.inputs.front()).quantized,
                         *caches_.at(block_of(stage).output).exact,
                         weights == fisher_.end() ? nullptr : weights->second.roots.get(),
                         rows,
                         forward_batch_,
                         options_.training.threads);
  }

  void tell(std::size_t number, std::int64_t iteration, double loss) const {
    if (!progress_) return;
    const std::int64_t each =
        options_.method == BlockMethod::Learn ? options_.training.iterations : 1;
    const std::string detail = fmt::format("block {}/{} {}: loss {:.3g}",
                                           number + 1,
                                           request_.blocks.size(),
                                           block_name(number),
                                           loss);
    progress_({.task = "reconstruction",
               .done = static_cast<std::int64_t>(number) * each + iteration,
               .total = static_cast<std::int64_t>(request_.blocks.size()) * each,
               .detail = detail});
  }

  const std::string& block_name(std::size_t number) const {
    for (const rounding::Stage& stage : stages_) {
      if (stage.block >= 0 && number-- == 0) return block_of(stage).name;
    }
    throw InternalError("reconstruction", "a block without a stage");
  }

  const ReconstructionRequest& request_;
  const ReconstructionOptions& options_;
  const std::vector<BlockState>& finished_;
  const BlockHandler& on_block_;
  const ProgressHandler& progress_;
  rounding::QuantizerLimits limits_;
  std::int64_t forward_batch_ =  ///< rows at once
      runtime::passes_in_memory(request_.graph, options_.forward_batch);
  rounding::CacheMemory memory_;
  std::vector<rounding::Stage> stages_;
  std::int64_t row_count_ = 0;   ///< samples, or passes of a network with a fixed batch
  double last_row_share_ = 1.0;  ///< share of samples in the last row
  std::map<ValueId, int> readers_;
  std::map<ValueId, ValueCaches> caches_;
  std::map<ValueId, FisherWeights> fisher_;
  std::set<ValueId> frozen_;  ///< weights and activations of earlier blocks
  std::size_t blocks_done_ = 0;
  Reconstruction result_;
};

}  // namespace

Reconstruction reconstruct(const ReconstructionRequest& request,
                           const ReconstructionOptions& options,
                           const std::vector<BlockState>& finished,
                           const BlockHandler& on_block,
                           const ProgressHandler& progress) {
  const auto fixed = runtime::fixed_batch(request.graph);
  const bool open = std::ranges::any_of(request.graph.inputs(), [&](ValueId id) {
    return !graph::fixed_extents(request.graph.value(id).shape.value()).has_value();
  });
  if (!fixed || !open) return Reconstructor(request, options, finished, on_block, progress).run();
  // One input has an open batch, another one a fixed one.
  const graph::Graph graph = at_batch(request.graph, *fixed);
  const ReconstructionRequest own{
      graph, request.layers, request.blocks, request.initial, request.dataset, request.indices};
  return Reconstructor(own, options, finished, on_block, progress).run();
}

}  // namespace ompq::reconstruction

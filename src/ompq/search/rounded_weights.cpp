#include "ompq/search/rounded_weights.h"

#include "ompq/allocation/cost_model.h"
#include "ompq/core/elapsed.h"
#include "ompq/core/random.h"
#include "ompq/core/time_limit.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/gptq.h"
#include "ompq/rounding/sample_cache.h"
#include "ompq/runtime/thread_scope.h"

namespace ompq::search {
namespace {

/// Multiplications of rounding a layer to `widths` widths: its passes, the moments of its inputs,
/// their factor, and the columns.
double work_of(const graph::Layer& layer,
               std::size_t samples,
               std::size_t widths,
               const TrialRounding& care) {
  const auto rows = static_cast<double>(layer.out_channels) / static_cast<double>(layer.groups);
  const auto columns =
      static_cast<double>(layer.weight_count) / static_cast<double>(layer.out_channels);
  // The initial range is tried, too; each one is rounded once and then swept.
  const double per_row = (1.0 + care.tried_ranges) * (1.0 + care.sweeps);
  const double passes = static_cast<double>(layer.macs) * (2 + columns / rows);
  const double rounding = static_cast<double>(layer.groups) * columns * columns *
                          (columns / 3 + static_cast<double>(widths) * per_row * rows);
  return static_cast<double>(samples) * passes + rounding;
}

}  // namespace

double trial_work(const pipeline::Model& model,
                  std::size_t samples,
                  std::size_t widths,
                  const TrialRounding& care) {
  double work = 0;
  for (const graph::Layer& layer : model.discovery.layers) {
    work += work_of(layer, samples, widths, care);
  }
  return work;
}

void RoundedWeights::prepare(const std::vector<int>& widths, int threads) {
  const runtime::ThreadScope scope(runtime::resolved_threads(threads));
  for (std::size_t l = 0; l < model_.discovery.layers.size(); ++l) {
    check_interrupt();
    for (const int width : widths) {
      if (width != allocation::kFloatBits) (void)codes_of(l, BitWidth(width));
    }
  }
}

void RoundedWeights::prepare_compensated(const std::vector<int>& widths,
                                         data::Dataset& dataset,
                                         const std::vector<std::int64_t>& indices,
                                         std::uint64_t seed,
                                         int threads,
                                         const ProgressHandler& progress,
                                         const TrialRounding& care,
                                         const std::optional<Deadline>& deadline) {
  const auto& graph = model_.graph;
  const auto& layers = model_.discovery.layers;
  prepare(widths, threads);
  rounding::GptqOptions gptq{.correct_inputs = false,
                             .correct_bias = false,
                             .tried_ranges = care.tried_ranges,
                             .sweeps = care.sweeps};
  const double work = trial_work(model_, indices.size(), widths.size(), care);
  double done = 0;
  const auto began = Deadline::Clock::now();
  const auto give_up_if_late = [&](const graph::Layer& finished) {
    done += work_of(finished, indices.size(), widths.size(), care);
    const double spent = seconds_since(began);
    constexpr double kTells = 0.15;  // the share that predicts the rest
    constexpr double kTolerance = 0.8;
    if (done > kTells * work && deadline->forbids(kTolerance * spent * (work / done - 1))) {
      throw TimeIsUp();
    }
  };
  const auto visit = [&](std::size_t l, const rounding::LayerInputs& inputs) {
    const graph::Layer& layer = layers[l];
    if (owner_of(l) != l) return;  // a shared weight uses the codes of its first layer
    gptq.moments.seed = Random(seed).split("layer " + layer.name).next();
    std::vector<quant::QuantizedTensor*> codes;
    std::vector<quant::QuantizedTensor> initial;
    for (const int width : widths) {
      if (width == allocation::kFloatBits) continue;
      codes.push_back(&codes_.at({l, width}));
      initial.push_back(*codes.back());
    }
    auto rounded = rounding::compensate_each(
        graph, layer, initial, rounding::input_moments(graph, layer, inputs, gptq.moments), gptq);
    for (std::size_t i = 0; i < codes.size(); ++i) *codes[i] = std::move(rounded[i].codes);
    if (deadline) give_up_if_late(layer);
  };
  reconstruction::ReconstructionOptions options{
      .method = reconstruction::BlockMethod::Visit, .visit = visit, .seed = seed};
  options.training.threads = threads;
  options.memory_bytes = rounding::default_memory();
  const auto nearest = codes_;
  try {
    (void)reconstruction::reconstruct(
        {graph, layers, rounding::layer_blocks(graph, layers), {}, dataset, indices},
        options,
        {},
        {},
        [&](const ProgressEvent& event) {
          ProgressEvent own = event;
          if (own.task == "reconstruction") own.task = "trial rounding";
          if (progress) progress(own);
        });
  } catch (const TimeIsUp&) {
    codes_ = nearest;  // errors of both kinds of rounding cannot be compared
    throw;
  }
}

std::size_t RoundedWeights::owner_of(std::size_t layer) const {
  const auto& layers = model_.discovery.layers;
  std::size_t first = 0;
  while (layers[first].weight != layers[layer].weight) ++first;
  return first;
}

const quant::QuantizedTensor& RoundedWeights::codes_of(std::size_t layer, BitWidth width) {
  layer = owner_of(layer);
  const auto [slot, added] = codes_.try_emplace({layer, width.value()});
  if (added) {
    slot->second =
        rounding::quantize_weight(model_.graph, model_.discovery.layers[layer], width, options_);
  }
  return slot->second;
}

Tensor RoundedWeights::get(std::size_t layer, BitWidth width) {
  return quant::dequantize(codes_of(layer, width));
}

const std::vector<float>& RoundedWeights::scales(std::size_t layer, BitWidth width) {
  return codes_of(layer, width).params.scale;
}

Tensor RoundedWeights::get(std::size_t layer, int weight_bits) {
  if (weight_bits == allocation::kFloatBits) {
    return *model_.graph.value(model_.discovery.layers[layer].weight).constant;
  }
  return get(layer, BitWidth(weight_bits));
}

}  // namespace ompq::search

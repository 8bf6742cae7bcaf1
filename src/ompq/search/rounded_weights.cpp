#include "ompq/search/rounded_weights.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/random.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/gptq.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::search {

void RoundedWeights::prepare(const std::vector<int>& widths, int threads) {
  std::vector<std::pair<std::size_t, int>> missing;
  for (std::size_t l = 0; l < model_.discovery.layers.size(); ++l) {
    for (const int width : widths) {
      if (width != allocation::kFloatBits && !codes_.contains({l, width})) {
        missing.emplace_back(l, width);
      }
    }
  }
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      const auto [layer, width] = missing[i];
      try {
        auto codes = rounding::quantize_weight(
            model_.graph, model_.discovery.layers[layer], BitWidth(width), options_);
        const std::lock_guard lock(mutex);
        codes_.emplace(missing[i], std::move(codes));
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    }
  };
  const unsigned cores = threads > 0 ? static_cast<unsigned>(threads)
                                     : std::max(1U, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < cores; ++t) others.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

void RoundedWeights::prepare_compensated(const std::vector<int>& widths,
                                         data::Dataset& dataset,
                                         const std::vector<std::int64_t>& indices,
                                         std::uint64_t seed,
                                         int threads,
                                         const ProgressHandler& progress) {
  const auto& graph = model_.graph;
  const auto& layers = model_.discovery.layers;
  prepare(widths, threads);
  // The bias is not measured, and trying few ranges is enough to compare widths.
  rounding::GptqOptions gptq{
      .correct_inputs = false, .correct_bias = false, .tried_ranges = 2, .sweeps = 1};
  const auto visit = [&](std::size_t l, const rounding::LayerInputs& inputs) {
    const graph::Layer& layer = layers[l];
    if (owner_of(l) != l) return;  // a shared weight uses the codes of its first layer
    gptq.moments.seed = Random(seed).split("layer " + layer.name).next();
    const auto moments = rounding::input_moments(graph, layer, inputs, gptq.moments);
    for (const int width : widths) {
      if (width == allocation::kFloatBits) continue;
      quant::QuantizedTensor& codes = codes_.at({l, width});
      codes = rounding::compensate(graph, layer, codes, moments, gptq).codes;
    }
  };
  reconstruction::ReconstructionOptions options{
      .method = reconstruction::BlockMethod::Visit, .visit = visit, .seed = seed};
  options.training.threads = threads;
  options.memory_bytes = rounding::default_memory();
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

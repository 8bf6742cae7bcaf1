#include "ompq/pipeline/rounded_weights.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "ompq/allocation/cost_model.h"

namespace ompq::pipeline {

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
        auto codes = tuning::quantize_weight(
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

Tensor RoundedWeights::get(std::size_t layer, BitWidth width) {
  const auto [slot, added] = codes_.try_emplace({layer, width.value()});
  if (added) {
    slot->second =
        tuning::quantize_weight(model_.graph, model_.discovery.layers[layer], width, options_);
  }
  return quant::dequantize(slot->second);
}

Tensor RoundedWeights::get(std::size_t layer, int weight_bits) {
  if (weight_bits == allocation::kFloatBits) {
    return *model_.graph.value(model_.discovery.layers[layer].weight).constant;
  }
  return get(layer, BitWidth(weight_bits));
}

}  // namespace ompq::pipeline

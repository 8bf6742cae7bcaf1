#include "ompq/search/final_check.h"

#include <utility>

#include "ompq/pipeline/network.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::search {

pipeline::QuantizedNetwork round_for_check(const pipeline::Model& model,
                                           data::Dataset& dataset,
                                           const std::vector<std::int64_t>& samples,
                                           ActivationRanges& ranges,
                                           const allocation::Allocation& allocation,
                                           const SearchOptions& options) {
  rounding::NetworkCodes codes =
      pipeline::nearest_codes(model,
                              allocation.weight_bits,
                              ranges.quantizers(allocation.activation_bits),
                              options.weights);
  if (options.compensated) {
    const auto& layers = model.discovery.layers;
    // Half the work of the rounding that will be used, which tries more ranges.
    reconstruction::ReconstructionOptions method{.method = reconstruction::BlockMethod::Compensate,
                                                 .gptq = {.tried_ranges = 2, .sweeps = 1},
                                                 .seed = options.request.seed,
                                                 .memory_bytes = rounding::default_memory()};
    method.training.threads = options.executor.threads;
    codes = reconstruction::reconstruct({model.graph,
                                         layers,
                                         rounding::layer_blocks(model.graph, layers),
                                         std::move(codes),
                                         dataset,
                                         samples},
                                        method)
                .codes;
  }
  return pipeline::assemble_network(model, allocation.weight_bits, codes);
}

FinalCheck::FinalCheck(const pipeline::Model& model,
                       data::Dataset& dataset,
                       std::vector<std::int64_t> rounding,
                       ActivationRanges& ranges,
                       FidelityProbe& judge,
                       const SearchOptions& options)
    : model_(model),
      dataset_(dataset),
      rounding_(std::move(rounding)),
      ranges_(ranges),
      judge_(judge),
      options_(options) {}

std::vector<double> FinalCheck::by_sample(const allocation::Allocation& allocation) const {
  return judge_.by_sample(
      round_for_check(model_, dataset_, rounding_, ranges_, allocation, options_).graph);
}

}  // namespace ompq::search

#include "ompq/search/final_check.h"

#include <utility>

#include "ompq/pipeline/network.h"
#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::search {

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
  rounding::NetworkCodes codes =
      pipeline::nearest_codes(model_,
                              allocation.weight_bits,
                              ranges_.quantizers(allocation.activation_bits),
                              options_.weights);
  if (options_.compensated) {
    const auto& layers = model_.discovery.layers;
    // Half the work of the rounding that will be used, which tries more ranges.
    reconstruction::ReconstructionOptions rounding{
        .method = reconstruction::BlockMethod::Compensate,
        .gptq = {.tried_ranges = 2, .sweeps = 1},
        .seed = options_.request.seed,
        .memory_bytes = rounding::default_memory()};
    rounding.training.threads = options_.executor.threads;
    codes = reconstruction::reconstruct({model_.graph,
                                         layers,
                                         rounding::layer_blocks(model_.graph, layers),
                                         std::move(codes),
                                         dataset_,
                                         rounding_},
                                        rounding)
                .codes;
  }
  return judge_.by_sample(pipeline::assemble_network(model_, allocation.weight_bits, codes).graph);
}

}  // namespace ompq::search

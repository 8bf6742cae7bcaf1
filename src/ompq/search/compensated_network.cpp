#include "ompq/search/compensated_network.h"

#include <utility>

#include "ompq/reconstruction/block_reconstruction.h"
#include "ompq/rounding/sample_cache.h"

namespace ompq::search {

pipeline::QuantizedNetwork compensated_network(const pipeline::Model& model,
                                               const std::vector<int>& weight_bits,
                                               rounding::NetworkCodes initial,
                                               data::Dataset& dataset,
                                               const std::vector<std::int64_t>& samples,
                                               const rounding::GptqOptions& gptq,
                                               const SearchOptions& options) {
  const auto& layers = model.discovery.layers;
  reconstruction::ReconstructionOptions method{.method = reconstruction::BlockMethod::Compensate,
                                               .gptq = gptq,
                                               .seed = options.request.seed,
                                               .memory_bytes = rounding::default_memory()};
  method.training.threads = options.executor.threads;
  const rounding::NetworkCodes codes =
      reconstruction::reconstruct({model.graph,
                                   layers,
                                   rounding::layer_blocks(model.graph, layers),
                                   std::move(initial),
                                   dataset,
                                   samples},
                                  method)
          .codes;
  return pipeline::assemble_network(model, weight_bits, codes);
}

}  // namespace ompq::search

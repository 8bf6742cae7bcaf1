#include "ompq/search/final_check.h"

#include <utility>

#include "ompq/core/elapsed.h"
#include "ompq/core/log.h"
#include "ompq/core/time_limit.h"
#include "ompq/pipeline/network.h"
#include "ompq/search/compensated_network.h"

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
    // Half the work of the rounding that will be used, which tries more ranges.
    const rounding::GptqOptions gptq{.tried_ranges = 2, .sweeps = 1};
    return compensated_network(
        model, allocation.weight_bits, std::move(codes), dataset, samples, gptq, options);
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
  const auto began = Deadline::Clock::now();
  const pipeline::QuantizedNetwork network =
      round_for_check(model_, dataset_, rounding_, ranges_, allocation, options_);
  const double rounded = seconds_since(began);
  std::vector<double> divergences = judge_.by_sample(network.graph);
  log().debug("auto: rounded for the check on {} samples in {:.1f} s, judged in {:.1f} s",
              rounding_.size(),
              rounded,
              seconds_since(began) - rounded);
  return divergences;
}

}  // namespace ompq::search

#pragma once

#include <cstdint>
#include <vector>

#include "ompq/allocation/request.h"
#include "ompq/pipeline/network.h"
#include "ompq/search/activation_ranges.h"
#include "ompq/search/fidelity_probe.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// The network as it will be: rounded by the method that will be used, or by error compensation
/// where that is a faster form of it.
/// @param samples  those with which weights are rounded.
[[nodiscard]] pipeline::QuantizedNetwork round_for_check(const pipeline::Model& model,
                                                         data::Dataset& dataset,
                                                         const std::vector<std::int64_t>& samples,
                                                         ActivationRanges& ranges,
                                                         const allocation::Allocation& allocation,
                                                         const SearchOptions& options);

/// Judges allocations with round_for_check(), on samples that no earlier step has seen. All
/// arguments must outlive it.
class FinalCheck {
 public:
  /// @param rounding  the samples with which weights are rounded.
  /// @param judge  the probe over the check samples.
  FinalCheck(const pipeline::Model& model,
             data::Dataset& dataset,
             std::vector<std::int64_t> rounding,
             ActivationRanges& ranges,
             FidelityProbe& judge,
             const SearchOptions& options);

  /// The divergence of each check sample.
  [[nodiscard]] std::vector<double> by_sample(const allocation::Allocation& allocation) const;

 private:
  const pipeline::Model& model_;
  data::Dataset& dataset_;
  std::vector<std::int64_t> rounding_;
  ActivationRanges& ranges_;
  FidelityProbe& judge_;
  const SearchOptions& options_;
};

}  // namespace ompq::search

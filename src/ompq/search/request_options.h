#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/quant/quant_params.h"
#include "ompq/search/layer_choices.h"

namespace ompq::search {

/// What every allocator is told alike, apart from measurements.
struct RequestOptions {
  allocation::Budget budget;
  allocation::Scheme scheme = allocation::Scheme::Free;
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};
  LayerChoices choices;
  std::optional<allocation::Accounting> accounting;    ///< none: what the scheme says
  std::optional<allocation::Rounding> rounding;        ///< none: depth-first
  std::vector<int> activation_candidates{8};           ///< empty: activations stay float
  int input_bits = 8;                                  ///< of network inputs, unless all is float
  std::optional<std::filesystem::path> latency_table;  ///< for Budget::latency_us
  quant::Symmetry symmetry = quant::Symmetry::Asymmetric;
  allocation::IntegerOptions integer;
  std::uint64_t seed = 0;
};

}  // namespace ompq::search

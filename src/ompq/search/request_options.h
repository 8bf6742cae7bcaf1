#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/quant/option_names.h"
#include "ompq/quant/quant_params.h"
#include "ompq/search/layer_choices.h"
#include "ompq/search/option_values.h"
#include "ompq/targets/target_table.h"

namespace ompq::search {

/// The part of a request that is the same for every allocator, without measurements.
struct RequestOptions {
  allocation::Budget budget;
  allocation::Scheme scheme = allocation::Scheme::Free;
  std::vector<int> candidates{1, 2, 3, 4, 5, 6, 7, 8};
  LayerChoices choices;
  std::optional<allocation::Accounting> accounting;  ///< nullopt: as in the scheme
  allocation::Rounding rounding = allocation::Rounding::DepthFirst;
  std::vector<int> activation_candidates{8};  ///< empty: activations stay float
  int input_bits = 8;                         ///< of network inputs, unless activations are float
  std::optional<std::filesystem::path> latency_table;  ///< for Budget::latency_us
  quant::Symmetry symmetry = quant::Symmetry::Normal;
  std::string target{targets::kDefaultTarget};  ///< limits the widths of weights
  allocation::IntegerOptions integer;
  std::uint64_t seed = 0;
};

/// The options that `ompq latency-table` also has.
template <typename Binder>
void bind_widths(Binder& binder, RequestOptions& options) {
  binder.bind("candidates", options.candidates, common_widths);
  bind_options(binder, options.choices);
  binder.bind("act-bits", options.activation_candidates, activation_candidates_of);
  binder.bind("input-bits", options.input_bits);
}

/// Without the budget, of which `ompq compare` has several.
template <typename Binder>
void bind_options(Binder& binder, RequestOptions& options) {
  bind_widths(binder, options);
  binder.bind("scheme", options.scheme);
  binder.bind("accounting", options.accounting);
  binder.bind("rounding", options.rounding);
  binder.bind("latency-table", options.latency_table);
  binder.bind("weight-levels", options.symmetry);
  binder.bind("target", options.target);
  binder.unbound("solver seconds", options.integer.time_limit_seconds);
  binder.unbound("solver labels", options.integer.max_labels);
  binder.bind("seed", options.seed);
}

}  // namespace ompq::search

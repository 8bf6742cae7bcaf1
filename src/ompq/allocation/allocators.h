#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/budget.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/integer_program.h"
#include "ompq/allocation/problem.h"
#include "ompq/allocation/rounding.h"

namespace ompq::allocation {

/// Everything an allocator may look at. Items are those of decision_items(layers).
struct AllocationRequest {
  std::vector<LayerCost> layers;  ///< topological order
  std::vector<int> candidates{2, 3, 4, 5, 6, 7, 8};
  Budget budget;
  CostOptions cost;
  std::int64_t float_bytes = 0;  ///< for Budget::compression

  /// [layer][candidate], lower is better: the effect of each layer's quantization, summed. For
  /// `output-error`.
  std::vector<std::vector<double>> loss;
  /// One per decision item: what a bit is worth (orm::Importance::coefficients of the leaders). For
  /// `orm` and `orm-ilp`.
  std::vector<double> coefficients;

  /// First and last decision keep this width for weights and activations and are no choice.
  std::optional<int> first_last_bits;
  Rounding rounding = Rounding::DepthFirst;  ///< `orm` and `projection`
  IntegerOptions integer;
};

/// Rules that the paper's results were made under.
enum class Scheme {
  Free,
  PaperPtq,  ///< 2..4 bits, all layers take part
  PaperQat,  ///< 4..8 bits, first and last layer are fixed at 8
};

/// Sets candidates, first and last layer, accounting and MAC count as the paper has them.
void apply_scheme(AllocationRequest& request, Scheme scheme);

struct Allocation {
  std::vector<int> weight_bits;      ///< per layer
  std::vector<int> activation_bits;  ///< per layer
  Cost cost;
  Solution solution;
};

struct Allocator {
  std::string_view name;
  std::string_view summary;
  std::function<Allocation(const AllocationRequest&)> allocate;
};

/// output-error (the default), orm, orm-ilp, projection, size-only, uniform.
[[nodiscard]] std::span<const Allocator> allocators();
/// @throws ConfigError listing the known names.
[[nodiscard]] const Allocator& allocator(std::string_view name);

/// The multiple-choice problem of a request, with all values 0.
/// @throws ConfigError for candidates that are empty, not ascending or outside of 1..8, or no
/// budget.
[[nodiscard]] Problem make_problem(const AllocationRequest& request);

}  // namespace ompq::allocation

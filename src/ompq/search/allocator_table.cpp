#include "ompq/search/allocator_table.h"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq::search {

std::span<const AllocatorRow> allocator_table() {
  static constexpr std::array<AllocatorRow, 15> kRows{{
      {"auto", "the best of all metrics on this network, refined by what the network says", "", ""},
      {"output-mse", "effect of each layer on the network's output", "output-mse", "integer"},
      {"output-kl", "effect of each layer on the class distribution", "output-kl", "integer"},
      {"pairwise",
       "output-mse with the interaction of layers in a block",
       "output-mse",
       "pairwise"},
      {"local-error", "relative error of each layer's own output", "local-error", "integer"},
      {"weight-mse", "relative error of each layer's weights", "weight-mse", "integer"},
      {"fisher", "squared gradient times squared change", "fisher", "integer"},
      {"hessian", "Hessian trace times squared change (HAWQ-V2)", "hessian", "integer"},
      {"orm-error",
       "the paper's importance times the error of the weights",
       "orm-error",
       "integer",
       true},
      {"orm",
       "the paper's: linear program over orthogonality, then rounding",
       "",
       "orm",
       true,
       true},
      {"orm-ilp", "exact integer program over the paper's importance", "", "orm-ilp", true},
      {"projection",
       "upper widths projected onto the budget: what the published lists are",
       "",
       "projection",
       false,
       true},
      {"size-only", "the most bits in total, no signal", "", "size-only"},
      {"uniform", "one width for all: the largest that fits", "", "uniform"},
      {"random", "widths raised in a random order while they fit", "", "random"},
  }};
  return kRows;
}

const AllocatorRow& allocator_row(std::string_view name) {
  std::vector<std::string_view> names;
  for (const AllocatorRow& row : allocator_table()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  const std::string_view near = meant_name(name, names);
  throw ConfigError("allocator",
                    fmt::format("unknown allocator '{}'{}; known are {}",
                                name,
                                near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                                fmt::join(names, ", ")));
}

allocation::Scheme scheme_for(const AllocatorRow& row, allocation::Scheme asked) {
  return asked == allocation::Scheme::Free && row.papers ? allocation::Scheme::PaperPtq : asked;
}

}  // namespace ompq::search

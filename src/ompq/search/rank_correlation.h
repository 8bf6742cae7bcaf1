#pragma once

#include <optional>
#include <span>

namespace ompq::search {

/// Spearman's rank correlation of two series of the same length; equal values share their mean
/// rank. Nothing for fewer than 3 values or where one series is constant.
/// Source: Spearman 1904; with ties, Pearson's correlation of the ranks.
[[nodiscard]] std::optional<double> rank_correlation(std::span<const double> a,
                                                     std::span<const double> b);

}  // namespace ompq::search

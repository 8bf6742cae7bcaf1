#pragma once

#include <optional>
#include <span>

namespace ompq::search {

/// Spearman's rank correlation of two series of the same length; equal values get their mean rank.
/// Nullopt for fewer than 3 values or if one series is constant.
/// Source: Spearman 1904; with ties, Pearson's correlation of the ranks.
[[nodiscard]] std::optional<double> rank_correlation(std::span<const double> a,
                                                     std::span<const double> b);

}  // namespace ompq::search

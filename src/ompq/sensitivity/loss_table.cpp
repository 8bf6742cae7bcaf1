#include "ompq/sensitivity/loss_table.h"

#include <algorithm>

#include "ompq/core/error.h"

namespace ompq::sensitivity {
namespace {

/// Slope of the line between two entries of a row.
double slope(const LossTable& table, const double* row, std::size_t from, std::size_t to) {
  return (row[to] - row[from]) / (table.widths[to].value() - table.widths[from].value());
}

/// Corners of a row's lower convex envelope: each new point removes those above the line to it
/// (Andrew's monotone chain).
std::vector<std::size_t> envelope(const LossTable& table, const double* row) {
  std::vector<std::size_t> corners;
  for (std::size_t w = 0; w < table.widths.size(); ++w) {
    while (corners.size() >= 2 && slope(table, row, corners[corners.size() - 2], corners.back()) >=
                                      slope(table, row, corners.back(), w)) {
      corners.pop_back();
    }
    corners.push_back(w);
  }
  return corners;
}

}  // namespace

void forbid_growth(LossTable& table) {
  const std::size_t count = table.widths.size();
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    if (i % count > 0) table.values[i] = std::min(table.values[i], table.values[i - 1]);
  }
}

void make_convex(LossTable& table) {
  const std::size_t count = table.widths.size();
  for (std::size_t l = 0; l < table.rows(); ++l) {
    double* row = table.values.data() + l * count;
    const std::vector<std::size_t> corners = envelope(table, row);
    for (std::size_t c = 1; c < corners.size(); ++c) {
      const std::size_t from = corners[c - 1];
      const double rise = slope(table, row, from, corners[c]);
      for (std::size_t w = from + 1; w < corners[c]; ++w) {
        row[w] = row[from] + rise * (table.widths[w].value() - table.widths[from].value());
      }
    }
  }
}

void extrapolate_widths(LossTable& table, const LossTable& errors, BitWidth widest_measured) {
  if (table.values.size() != errors.values.size() || table.widths != errors.widths) {
    throw InternalError("sensitivity", "the tables of losses and layer errors differ in shape");
  }
  const auto after = std::upper_bound(table.widths.begin(), table.widths.end(), widest_measured);
  const auto measured = static_cast<std::size_t>(after - table.widths.begin());
  if (measured == 0) {
    throw ConfigError("sensitivity", "no width is measured; increase the widest measured width");
  }
  for (std::size_t l = 0; l < table.rows(); ++l) {
    double* row = table.values.data() + l * table.widths.size();
    const double error = errors.at(l, measured - 1);
    const double rate = error > 0 ? row[measured - 1] / error : 0.0;
    for (std::size_t w = measured; w < table.widths.size(); ++w) row[w] = rate * errors.at(l, w);
  }
}

}  // namespace ompq::sensitivity

#pragma once

#include <span>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/quant_params.h"
#include "ompq/rounding/dense_matrix.h"

namespace ompq::rounding {

/// What is minimized over levels: sum over rows of e^T H e, e = target - scale x level. Matrices
/// of weights lie turned, [columns, rows], so that work on a column runs along all rows at once.
struct ColumnProblem {
  DenseView target;  ///< [k, rows]
  DenseView second;  ///< H [k, k], damped
  DenseView factor;  ///< R [k, k], H = R^T R
};

/// Levels (whole numbers, as float) and what they leave.
struct ColumnSolution {
  DenseMatrix levels;         ///< [k, rows]
  std::vector<double> error;  ///< by row: e^T H e
};

/// The nearest plane: columns from the last to the first, each rounded where the errors of those
/// after it have moved its target.
[[nodiscard]] ColumnSolution round_columns(const ColumnProblem& problem,
                                           std::span<const quant::Grid> grids);

/// Rounding to nearest, for comparison.
[[nodiscard]] ColumnSolution nearest_columns(const ColumnProblem& problem,
                                             std::span<const quant::Grid> grids);

/// Sweeps of coordinate descent: each level goes to its best place given all others. Never makes
/// a row's error larger.
void descend(const ColumnProblem& problem,
             std::span<const quant::Grid> grids,
             int sweeps,
             ColumnSolution& solution);

/// e^T H e by row.
[[nodiscard]] std::vector<double> row_errors(const ColumnProblem& problem,
                                             std::span<const quant::Grid> grids,
                                             const DenseMatrix& levels);

/// The `count` grids per row that look best when columns are rounded on their own, each weighed
/// with the square of the factor's diagonal: what a column can no longer hand on. Best first;
/// scales are short. `result[c][r]`: choice c of row r.
[[nodiscard]] std::vector<std::vector<quant::Grid>> rank_grids(const ColumnProblem& problem,
                                                               BitWidth bits,
                                                               quant::Symmetry symmetry,
                                                               int count);

}  // namespace ompq::rounding

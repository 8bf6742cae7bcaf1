#pragma once

#include <span>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/quant/grid.h"
#include "ompq/quant/quant_params.h"
#include "ompq/rounding/dense_matrix.h"

namespace ompq::rounding {

/// The problem: minimize over levels the sum over rows of e^T H e, e = target - scale x level.
/// Matrices of weights are transposed, [columns, rows], so that operations on a column are
/// contiguous over all rows.
struct ColumnProblem {
  DenseView target;  ///< [k, rows]
  DenseView second;  ///< H [k, k], damped
  DenseView factor;  ///< R [k, k], H = R^T R
};

/// Levels (integers, as float) and the remaining error.
struct ColumnSolution {
  DenseMatrix levels;         ///< [k, rows]
  std::vector<double> error;  ///< by row: e^T H e
};

/// Nearest plane: columns from last to first, each rounded after its target was moved by the errors
/// of later columns.
[[nodiscard]] ColumnSolution round_columns(const ColumnProblem& problem,
                                           std::span<const quant::Grid> grids);

/// Rounding to nearest, for comparison.
[[nodiscard]] ColumnSolution nearest_columns(const ColumnProblem& problem,
                                             std::span<const quant::Grid> grids);

/// Sweeps of coordinate descent: each level is set to its optimum given all others. Never increases
/// a row's error.
void descend(const ColumnProblem& problem,
             std::span<const quant::Grid> grids,
             int sweeps,
             ColumnSolution& solution);

/// e^T H e by row.
[[nodiscard]] std::vector<double> row_errors(const ColumnProblem& problem,
                                             std::span<const quant::Grid> grids,
                                             const DenseMatrix& levels);

/// The best `count` grids per row if columns are rounded independently, weighted with the square of
/// the factor's diagonal (the error that other columns cannot compensate). Best first; scales are
/// short. `result[c][r]`: choice c of row r.
[[nodiscard]] std::vector<std::vector<quant::Grid>> rank_grids(const ColumnProblem& problem,
                                                               BitWidth bits,
                                                               quant::Symmetry symmetry,
                                                               int count);

}  // namespace ompq::rounding

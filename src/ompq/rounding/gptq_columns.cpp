#include "ompq/rounding/gptq_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ompq/core/first_failure.h"
#include "ompq/quant/choose_qparams.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/range_search.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/short_scale.h"
#include "ompq/quant/simd.h"

namespace ompq::rounding {
namespace {

/// Block of columns that are processed one by one before the remaining columns are updated.
constexpr std::int64_t kBlock = 32;
/// Rows per task of a thread.
constexpr std::int64_t kStripe = 256;

/// Grids as arrays, for loops along rows. All have the same set, if any.
struct GridArrays {
  std::vector<float> scale, inverse, low, high, shift;
  const quant::LevelSet* set = nullptr;

  explicit GridArrays(std::span<const quant::Grid> grids) {
    for (const quant::Grid& grid : grids) {
      scale.push_back(grid.scale);
      inverse.push_back(1.0F / grid.scale);
      low.push_back(grid.low);
      high.push_back(grid.high);
      shift.push_back(grid.shift);
      set = grid.set;
    }
  }
};

/// y += factor x.
OMPQ_VECTOR_CLONES
void add_scaled(float factor, const float* x, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

/// Rounds target + moved to the grid; error = target - rounded. Levels are what is chosen
/// here, so that either side of a tie will do: products with 1 / scale.
OMPQ_VECTOR_CLONES
void round_stripe(const float* target,
                  const float* moved,
                  float inverse_diagonal,
                  const float* scale,
                  const float* inverse,
                  const float* low,
                  const float* high,
                  float* level,
                  float* error,
                  std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float wanted = target[i] + moved[i] * inverse_diagonal;
    level[i] = quant::nearest_level(wanted * inverse[i], low[i], high[i], quant::shift_of(low[i]));
    error[i] = target[i] - level[i] * scale[i];
  }
}

/// Moves each level by the integer number of steps that reduces the error most.
OMPQ_VECTOR_CLONES
void descend_stripe(const float* slope,
                    float inverse_diagonal,
                    const float* scale,
                    const float* inverse,
                    const float* low,
                    const float* high,
                    float* level,
                    float* error,
                    float* change,
                    std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float best = level[i] + slope[i] * inverse_diagonal * inverse[i];
    const float next = quant::nearest_level(best, low[i], high[i], quant::shift_of(low[i]));
    const float moved = (next - level[i]) * scale[i];
    level[i] = next;
    error[i] -= moved;
    change[i] = -moved;
  }
}

/// Rounds ratios, in place, to the levels of a set.
void round_ratios(float* ratios, const GridArrays& grids, std::int64_t at, std::int64_t count) {
  const float* shift = grids.shift.data() + at;
  for (std::int64_t i = 0; i < count; ++i) ratios[i] -= shift[i];
  quant::round_to_set({ratios, static_cast<std::size_t>(count)}, *grids.set);
  for (std::int64_t i = 0; i < count; ++i) ratios[i] += shift[i];
}

/// round_stripe() with the levels of a set.
void round_stripe_to_set(const float* target,
                         const float* moved,
                         float inverse_diagonal,
                         const GridArrays& grids,
                         std::int64_t at,
                         float* level,
                         float* error,
                         std::int64_t count) {
  const float* inverse = grids.inverse.data() + at;
  const float* scale = grids.scale.data() + at;
  for (std::int64_t i = 0; i < count; ++i) {
    level[i] = (target[i] + moved[i] * inverse_diagonal) * inverse[i];
  }
  round_ratios(level, grids, at, count);
  for (std::int64_t i = 0; i < count; ++i) error[i] = target[i] - level[i] * scale[i];
}

/// descend_stripe() with the levels of a set.
void descend_stripe_in_set(const float* slope,
                           float inverse_diagonal,
                           const GridArrays& grids,
                           std::int64_t at,
                           float* level,
                           float* error,
                           float* change,
                           std::int64_t count) {
  const float* inverse = grids.inverse.data() + at;
  const float* scale = grids.scale.data() + at;
  for (std::int64_t i = 0; i < count; ++i) {
    change[i] = level[i] + slope[i] * inverse_diagonal * inverse[i];
  }
  round_ratios(change, grids, at, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const float moved = (change[i] - level[i]) * scale[i];
    level[i] = change[i];
    error[i] -= moved;
    change[i] = -moved;
  }
}

template <typename Work>
void for_stripes(std::int64_t rows, Work work) {
#pragma omp parallel for schedule(static)
  for (std::int64_t begin = 0; begin < rows; begin += kStripe) {
    work(begin, std::min(kStripe, rows - begin));
  }
}

/// Processes a block of columns from last to first; `moved` has the contributions of columns after
/// the block, [block, rows].
void round_block(const ColumnProblem& problem,
                 const GridArrays& grids,
                 std::int64_t first,
                 std::int64_t size,
                 DenseMatrix& moved,
                 DenseMatrix& levels,
                 DenseMatrix& errors) {
  const DenseView& r = problem.factor;
  for_stripes(problem.target.cols, [&](std::int64_t at, std::int64_t count) {
    for (std::int64_t j = size - 1; j >= 0; --j) {
      const std::int64_t column = first + j;
      float* own = moved.view().row(j) + at;
      for (std::int64_t i = j + 1; i < size; ++i) {
        add_scaled(r.row(column)[first + i], errors.view().row(first + i) + at, own, count);
      }
      if (grids.set != nullptr) {
        round_stripe_to_set(problem.target.row(column) + at,
                            own,
                            1.0F / r.row(column)[column],
                            grids,
                            at,
                            levels.view().row(column) + at,
                            errors.view().row(column) + at,
                            count);
        continue;
      }
      round_stripe(problem.target.row(column) + at,
                   own,
                   1.0F / r.row(column)[column],
                   grids.scale.data() + at,
                   grids.inverse.data() + at,
                   grids.low.data() + at,
                   grids.high.data() + at,
                   levels.view().row(column) + at,
                   errors.view().row(column) + at,
                   count);
    }
  });
}

DenseMatrix errors_of(const ColumnProblem& problem,
                      std::span<const quant::Grid> grids,
                      const DenseMatrix& levels) {
  DenseMatrix errors(levels.rows, levels.cols);
  for (std::int64_t j = 0; j < levels.rows; ++j) {
    for (std::int64_t r = 0; r < levels.cols; ++r) {
      errors.at(j, r) =
          problem.target.row(j)[r] - grids[static_cast<std::size_t>(r)].scale * levels.at(j, r);
    }
  }
  return errors;
}

void descend_block(const ColumnProblem& problem,
                   const GridArrays& grids,
                   std::int64_t first,
                   std::int64_t size,
                   DenseMatrix& slopes,
                   DenseMatrix& levels,
                   DenseMatrix& errors) {
  const DenseView& h = problem.second;
  for_stripes(problem.target.cols, [&](std::int64_t at, std::int64_t count) {
    std::vector<float> change(static_cast<std::size_t>(count));
    for (std::int64_t j = 0; j < size; ++j) {
      const std::int64_t column = first + j;
      float* level = levels.view().row(column) + at;
      float* error = errors.view().row(column) + at;
      const float inverse_diagonal = 1.0F / h.row(column)[column];
      if (grids.set != nullptr) {
        descend_stripe_in_set(slopes.view().row(j) + at,
                              inverse_diagonal,
                              grids,
                              at,
                              level,
                              error,
                              change.data(),
                              count);
      } else {
        descend_stripe(slopes.view().row(j) + at,
                       inverse_diagonal,
                       grids.scale.data() + at,
                       grids.inverse.data() + at,
                       grids.low.data() + at,
                       grids.high.data() + at,
                       level,
                       error,
                       change.data(),
                       count);
      }
      for (std::int64_t i = 0; i < size; ++i) {
        add_scaled(h.row(first + i)[column], change.data(), slopes.view().row(i) + at, count);
      }
    }
  });
}

quant::Grid grid_of_range(float low, float high, BitWidth bits, quant::Symmetry symmetry) {
  quant::QuantParams params = quant::qparams_from_range(low, high, bits, symmetry);
  quant::shorten_scales(params, quant::Snap::Nearest);
  return quant::grid_of(params);
}

/// The values of a row between the two.
struct RowRange {
  float low = 0.0F;
  float high = 0.0F;
  float mean = 0.0F;
  bool sparse = false;
};

RowRange range_of_row(const DenseView& target, std::int64_t row) {
  RowRange range;
  double sum = 0.0;
  std::int64_t zeros = 0;
  for (std::int64_t j = 0; j < target.rows; ++j) {
    const float value = target.row(j)[row];
    zeros += value == 0.0F ? 1 : 0;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
    sum += static_cast<double>(value);
  }
  range.mean =
      static_cast<float>(sum / static_cast<double>(std::max<std::int64_t>(target.rows, 1)));
  range.sparse =
      quant::is_sparse(static_cast<std::size_t>(zeros), static_cast<std::size_t>(target.rows));
  return range;
}

/// Candidate ranges, as shares of a row's range; normal levels with their middle also at the mean,
/// where most values are, and in a sparse row with a level at zero.
std::vector<quant::Grid> candidate_grids(const DenseView& target,
                                         std::int64_t row,
                                         BitWidth bits,
                                         quant::Symmetry symmetry) {
  const RowRange range = range_of_row(target, row);
  std::vector<quant::Grid> grids;
  const auto add = [&](float low, float high) {
    quant::Grid grid = grid_of_range(low, high, bits, symmetry);
    const auto same = [&](const quant::Grid& other) {
      return other.scale == grid.scale && other.low == grid.low;
    };
    if (std::none_of(grids.begin(), grids.end(), same)) grids.push_back(grid);
  };
  // Below a quarter too much is clipped even at 2 bits.
  constexpr int kSteps = 32;
  const float middle = (range.low + range.high) / 2.0F;
  const float reach = (range.high - range.low) / 2.0F;
  for (int s = kSteps / 4; s <= kSteps + 2; ++s) {
    const float share = static_cast<float>(s) / kSteps;
    add(range.low * share, range.high * share);
    if (symmetry != quant::Symmetry::Normal) continue;
    for (const float centre : {range.mean, middle}) {
      add(std::min(centre - share * reach, 0.0F), std::max(centre + share * reach, 0.0F));
    }
    for (const int side : {-1, 1}) {
      if (!range.sparse) break;
      const auto [low, high] = quant::range_with_zero(range.low, range.high, bits, side);
      add(share * static_cast<float>(low), share * static_cast<float>(high));
    }
  }
  return grids;
}

}  // namespace

ColumnSolution round_columns(const ColumnProblem& problem, std::span<const quant::Grid> grids) {
  const std::int64_t k = problem.target.rows;
  const std::int64_t rows = problem.target.cols;
  const GridArrays arrays(grids);
  ColumnSolution solution{.levels = DenseMatrix(k, rows)};
  DenseMatrix errors(k, rows);
  for (std::int64_t first = (k - 1) / kBlock * kBlock; first >= 0; first -= kBlock) {
    const std::int64_t size = std::min(kBlock, k - first);
    const std::int64_t after = first + size;
    DenseMatrix moved(size, rows);
    multiply(Turned::No,
             Turned::No,
             1.0F,
             problem.factor.part(first, after, size, k - after),
             errors.view().part(after, 0, k - after, rows),
             0.0F,
             moved.view());
    round_block(problem, arrays, first, size, moved, solution.levels, errors);
  }
  solution.error = row_errors(problem, grids, solution.levels);
  return solution;
}

ColumnSolution nearest_columns(const ColumnProblem& problem, std::span<const quant::Grid> grids) {
  ColumnSolution solution{.levels = DenseMatrix(problem.target.rows, problem.target.cols)};
  for (std::int64_t j = 0; j < problem.target.rows; ++j) {
    for (std::int64_t r = 0; r < problem.target.cols; ++r) {
      const quant::Grid& grid = grids[static_cast<std::size_t>(r)];
      solution.levels.at(j, r) = quant::level_of(problem.target.row(j)[r], grid);
    }
  }
  solution.error = row_errors(problem, grids, solution.levels);
  return solution;
}

void descend(const ColumnProblem& problem,
             std::span<const quant::Grid> grids,
             int sweeps,
             ColumnSolution& solution) {
  const std::int64_t k = problem.target.rows;
  const std::int64_t rows = problem.target.cols;
  const GridArrays arrays(grids);
  DenseMatrix errors = errors_of(problem, grids, solution.levels);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (std::int64_t first = 0; first < k; first += kBlock) {
      const std::int64_t size = std::min(kBlock, k - first);
      DenseMatrix slopes(size, rows);
      multiply(Turned::No,
               Turned::No,
               1.0F,
               problem.second.part(first, 0, size, k),
               errors.view(),
               0.0F,
               slopes.view());
      descend_block(problem, arrays, first, size, slopes, solution.levels, errors);
    }
  }
  solution.error = row_errors(problem, grids, solution.levels);
}

std::vector<double> row_errors(const ColumnProblem& problem,
                               std::span<const quant::Grid> grids,
                               const DenseMatrix& levels) {
  DenseMatrix errors = errors_of(problem, grids, levels);
  DenseMatrix products(levels.rows, levels.cols);
  multiply(Turned::No, Turned::No, 1.0F, problem.second, errors.view(), 0.0F, products.view());
  std::vector<double> sums(static_cast<std::size_t>(levels.cols), 0.0);
  for (std::int64_t j = 0; j < levels.rows; ++j) {
    for (std::int64_t r = 0; r < levels.cols; ++r) {
      sums[static_cast<std::size_t>(r)] += static_cast<double>(errors.at(j, r)) * products.at(j, r);
    }
  }
  return sums;
}

std::vector<std::vector<quant::Grid>> rank_grids(const ColumnProblem& problem,
                                                 BitWidth bits,
                                                 quant::Symmetry symmetry,
                                                 int count) {
  const DenseView& target = problem.target;
  std::vector<std::vector<quant::Grid>> ranked(
      static_cast<std::size_t>(count),
      std::vector<quant::Grid>(static_cast<std::size_t>(target.cols)));
  const auto columns = static_cast<std::size_t>(target.rows);
  std::vector<double> diagonal(columns);
  for (std::size_t j = 0; j < columns; ++j) {
    const auto at = static_cast<std::int64_t>(j);
    diagonal[j] = problem.factor.row(at)[at];
  }
  const auto rank_row = [&](std::int64_t row) {
    std::vector<float> weights(columns);  // contiguous, since they are read for each grid
    for (std::size_t j = 0; j < columns; ++j) {
      weights[j] = target.row(static_cast<std::int64_t>(j))[row];
    }
    std::vector<std::pair<double, quant::Grid>> scored;
    for (const quant::Grid& grid : candidate_grids(target, row, bits, symmetry)) {
      double sum = 0.0;
      for (std::size_t j = 0; j < columns; ++j) {
        const float w = weights[j];
        const float level = quant::level_of(w, grid);
        const double error = static_cast<double>(w - level * grid.scale) * diagonal[j];
        sum += error * error;
      }
      scored.emplace_back(sum, grid);
    }
    std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
      return a.first < b.first;
    });
    for (std::size_t c = 0; c < ranked.size(); ++c) {
      ranked[c][static_cast<std::size_t>(row)] = scored[std::min(c, scored.size() - 1)].second;
    }
  };
  FirstFailure failure;
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < target.cols; ++row) failure.guard([&] { rank_row(row); });
  failure.rethrow();
  return ranked;
}

}  // namespace ompq::rounding

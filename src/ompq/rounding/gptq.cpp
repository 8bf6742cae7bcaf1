#include "ompq/rounding/gptq.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"
#include "ompq/rounding/gptq_columns.h"

namespace ompq::rounding {
namespace {

/// The position of element (row, column) of a group in the weight.
struct WeightLayout {
  std::int64_t rows = 0;     ///< output channels of a group
  std::int64_t columns = 0;  ///< of a row
  std::int64_t groups = 1;
  bool turned = false;  ///< [columns, rows], as in a MatMul

  [[nodiscard]] std::size_t element(std::int64_t group, std::int64_t row, std::int64_t col) const {
    const std::int64_t channel = group * rows + row;
    return static_cast<std::size_t>(turned ? col * rows + row : channel * columns + col);
  }
  [[nodiscard]] std::size_t channel(std::int64_t group, std::int64_t row) const {
    return static_cast<std::size_t>(group * rows + row);
  }
};

WeightLayout layout_of(const graph::Layer& layer) {
  return {.rows = layer.out_channels / layer.groups,
          .columns = layer.weight_count / layer.out_channels,
          .groups = layer.groups,
          .turned = layer.weight_axis == 1};
}

/// Columns in the order of the factor: the first one to be rounded is last.
std::vector<std::int64_t> column_order(const InputMoments& moments, ColumnOrder order) {
  std::vector<std::int64_t> columns(static_cast<std::size_t>(moments.second.rows));
  std::iota(columns.rbegin(), columns.rend(), 0);
  if (order == ColumnOrder::Activity) {
    std::stable_sort(columns.begin(), columns.end(), [&](std::int64_t a, std::int64_t b) {
      return moments.second.at(a, a) < moments.second.at(b, b);
    });
  }
  return columns;
}

DenseMatrix permuted(const DenseMatrix& m, const std::vector<std::int64_t>& order) {
  DenseMatrix result(m.rows, m.cols);
  for (std::int64_t i = 0; i < m.rows; ++i) {
    for (std::int64_t j = 0; j < m.cols; ++j) {
      result.at(i, j) =
          m.at(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
    }
  }
  return result;
}

/// Centres the moments for a free bias.
void subtract_means(InputMoments& moments) {
  for (std::int64_t i = 0; i < moments.second.rows; ++i) {
    const double z = moments.z_mean[static_cast<std::size_t>(i)];
    const double x = moments.mean[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < moments.second.cols; ++j) {
      const double other = moments.z_mean[static_cast<std::size_t>(j)];
      moments.second.at(i, j) -= static_cast<float>(z * other);
      moments.cross.at(i, j) -= static_cast<float>(x * other);
    }
  }
}

void damp(DenseMatrix& second, double damping) {
  double trace = 0.0;
  for (std::int64_t i = 0; i < second.rows; ++i) trace += second.at(i, i);
  const double mean = trace / static_cast<double>(std::max<std::int64_t>(second.rows, 1));
  // For a layer whose inputs are all zero, any codes are optimal.
  const auto more = static_cast<float>(mean > 0.0 ? damping * mean : 1.0);
  for (std::int64_t i = 0; i < second.rows; ++i) second.at(i, i) += more;
}

bool is_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

/// Moments that overflow float32 are replaced by the identity, with which columns are rounded to
/// nearest.
void replace_overflown(InputMoments& moments) {
  if (is_finite(moments.second.values) && is_finite(moments.cross.values)) return;
  std::ranges::fill(moments.second.values, 0.0F);
  for (std::int64_t i = 0; i < moments.second.rows; ++i) moments.second.at(i, i) = 1.0F;
  moments.cross = moments.second;
}

/// One part of a weight during rounding.
class Part {
 public:
  Part(const WeightLayout& layout,
       std::span<const float> weight,
       InputMoments moments,
       const GptqOptions& options)
      : layout_(layout), options_(options), moments_(std::move(moments)) {
    replace_overflown(moments_);
    order_ = column_order(moments_, options.order);
    second_ = permuted(moments_.second, order_);
    weight_ = DenseMatrix(layout.rows, second_.rows);
    for (std::int64_t r = 0; r < layout.rows; ++r) {
      for (std::int64_t j = 0; j < second_.rows; ++j) {
        weight_.at(r, j) = weight[element(r, j)];
      }
    }
    factor();
    aim();
  }

  /// Element of the weight in row r and column j of the factor's order.
  [[nodiscard]] std::size_t element(std::int64_t r, std::int64_t j) const {
    return layout_.element(moments_.group, r, moments_.begin + column(j));
  }
  /// Column of the part at position j of the factor's order.
  [[nodiscard]] std::int64_t column(std::int64_t j) const {
    return order_[static_cast<std::size_t>(j)];
  }
  [[nodiscard]] std::int64_t columns() const { return second_.rows; }
  [[nodiscard]] const InputMoments& moments() const { return moments_; }
  [[nodiscard]] ColumnProblem problem() { return {target_.view(), second_.view(), factor_.view()}; }

 private:
  void factor() {
    // Rounding errors may make the matrix slightly indefinite: increase the damping.
    const double share = static_cast<double>(second_.rows) /
                         static_cast<double>(std::max<std::int64_t>(moments_.positions, 1));
    for (double damping = options_.damping + options_.shrinkage * share;; damping *= 10.0) {
      DenseMatrix damped = second_;
      damp(damped, damping);
      factor_ = damped;
      if (!factorize(factor_.view())) continue;
      second_ = std::move(damped);
      return;
    }
  }

  /// target = W + W (C - H) (H + damping)^-1, transposed: compensates errors of the inputs.
  void aim() {
    DenseMatrix target = weight_;
    if (options_.correct_inputs) {
      DenseMatrix gap = permuted(moments_.cross, order_);
      const DenseMatrix plain = permuted(moments_.second, order_);
      for (std::size_t i = 0; i < gap.values.size(); ++i) gap.values[i] -= plain.values[i];
      DenseMatrix moved(weight_.rows, weight_.cols);
      multiply(Turned::No, Turned::No, 1.0F, weight_.view(), gap.view(), 0.0F, moved.view());
      solve_from_right(factor_.view(), moved.view());
      for (std::size_t i = 0; i < moved.values.size(); ++i) target.values[i] += moved.values[i];
    }
    target_ = DenseMatrix(target.cols, target.rows);
    for (std::int64_t r = 0; r < target.rows; ++r) {
      for (std::int64_t j = 0; j < target.cols; ++j) target_.at(j, r) = target.at(r, j);
    }
  }

  const WeightLayout& layout_;
  const GptqOptions& options_;
  InputMoments moments_;
  std::vector<std::int64_t> order_;
  DenseMatrix second_;  ///< damped, in order
  DenseMatrix factor_;
  DenseMatrix weight_;  ///< [rows, k]
  DenseMatrix target_;  ///< [k, rows]
};

/// The best grid and levels of a row so far.
struct Best {
  std::vector<quant::Grid> grids;
  ColumnSolution solution;
};

void keep_better(const std::vector<quant::Grid>& grids,
                 const ColumnSolution& solution,
                 Best& best) {
  if (best.grids.empty()) {
    best.grids = grids;
    best.solution = solution;
    return;
  }
  for (std::size_t r = 0; r < grids.size(); ++r) {
    if (!(solution.error[r] < best.solution.error[r])) continue;
    best.grids[r] = grids[r];
    best.solution.error[r] = solution.error[r];
    for (std::int64_t j = 0; j < solution.levels.rows; ++j) {
      best.solution.levels.at(j, static_cast<std::int64_t>(r)) =
          solution.levels.at(j, static_cast<std::int64_t>(r));
    }
  }
}

/// The rounding of one layer from one of several initial codes.
class Compensation {
 public:
  Compensation(const graph::Graph& graph,
               const graph::Layer& layer,
               const quant::QuantizedTensor& initial,
               const GptqOptions& options)
      : graph_(graph), layer_(layer), options_(options), layout_(layout_of(layer)) {
    result_.codes = initial;
    if (!has_free_bias(graph, layer, options)) return;
    bias_ = graph.value(layer.bias).constant->to_floats();
  }

  /// True if the bias compensates the mean error.
  static bool has_free_bias(const graph::Graph& graph,
                            const graph::Layer& layer,
                            const GptqOptions& options) {
    return options.correct_bias && layer.bias != graph::kNoValue &&
           graph.value(layer.bias).constant->elements() == layer.out_channels;
  }

  /// @param whole  false for one of several parts of the same rows, which share their grids.
  void solve(Part& part, bool whole) {
    const auto initial = initial_grids(part);
    result_.signal +=
        total(row_errors(part.problem(), initial, DenseMatrix(part.columns(), layout_.rows)));
    Best best;
    keep_better(initial, initial_solution(part, initial), best);
    result_.error_nearest += total(best.solution.error);
    const auto attempt = [&](const std::vector<quant::Grid>& grids) {
      ColumnSolution solution = round_columns(part.problem(), grids);
      descend(part.problem(), grids, options_.sweeps, solution);
      keep_better(grids, solution, best);
    };
    attempt(initial);
    if (whole) {
      const quant::QuantParams& params = result_.codes.params;
      for (const auto& grids :
           rank_grids(part.problem(), params.bits, params.symmetry, options_.tried_ranges)) {
        attempt(grids);
      }
    }
    result_.error += total(best.solution.error);
    store(part, best);
  }

  [[nodiscard]] CompensatedWeight result() && {
    if (!bias_.empty()) {
      result_.bias = Tensor::from(graph_.value(layer_.bias).constant->shape(), bias_);
    }
    return std::move(result_);
  }

 private:
  std::vector<quant::Grid> initial_grids(const Part& part) const {
    std::vector<quant::Grid> grids(static_cast<std::size_t>(layout_.rows));
    const quant::QuantParams& params = result_.codes.params;
    for (std::int64_t r = 0; r < layout_.rows; ++r) {
      const std::size_t c = layout_.channel(part.moments().group, r);
      grids[static_cast<std::size_t>(r)] = quant::grid_of(params, c);
    }
    return grids;
  }

  ColumnSolution initial_solution(Part& part, const std::vector<quant::Grid>& grids) const {
    ColumnSolution solution{.levels = DenseMatrix(part.columns(), layout_.rows)};
    for (std::int64_t j = 0; j < part.columns(); ++j) {
      for (std::int64_t r = 0; r < layout_.rows; ++r) {
        solution.levels.at(j, r) = quant::level_of_code(result_.codes.codes[part.element(r, j)],
                                                        grids[static_cast<std::size_t>(r)]);
      }
    }
    solution.error = row_errors(part.problem(), grids, solution.levels);
    return solution;
  }

  void store(const Part& part, const Best& best) {
    for (std::int64_t r = 0; r < layout_.rows; ++r) {
      const quant::Grid& grid = best.grids[static_cast<std::size_t>(r)];
      const std::size_t c = layout_.channel(part.moments().group, r);
      result_.codes.params.scale[c] = grid.scale;
      quant::QuantParams& params = result_.codes.params;
      params.zero_point[c] = quant::zero_point_of(grid);
      double kept = 0.0;
      const Tensor& weight = *graph_.value(layer_.weight).constant;
      for (std::int64_t j = 0; j < part.columns(); ++j) {
        const std::size_t e = part.element(r, j);
        const float level = best.solution.levels.at(j, r);
        result_.codes.codes[e] = quant::code_of_level(level, grid);
        const auto column = static_cast<std::size_t>(part.column(j));
        kept += static_cast<double>(weight.data<float>()[e]) * part.moments().mean[column] -
                static_cast<double>(level) * grid.scale * part.moments().z_mean[column];
      }
      if (!bias_.empty()) bias_[c] += static_cast<float>(kept);
    }
  }

  static double total(const std::vector<double>& errors) {
    return std::accumulate(errors.begin(), errors.end(), 0.0);
  }

  const graph::Graph& graph_;
  const graph::Layer& layer_;
  const GptqOptions& options_;
  WeightLayout layout_;
  std::vector<float> bias_;  ///< empty: unchanged
  CompensatedWeight result_;
};

void check(const graph::Graph& graph,
           const graph::Layer& layer,
           const quant::QuantizedTensor& initial,
           const GptqOptions& options) {
  if (!has_input_moments(graph, layer)) {
    throw ConfigError("error compensation",
                      fmt::format("the inputs of layer '{}' ({}) cannot be gathered; round it to "
                                  "nearest",
                                  layer.name,
                                  layer.op_type));
  }
  if (!(options.damping > 0.0)) {
    throw ConfigError("error compensation",
                      fmt::format("damping must be above 0, not {}", options.damping));
  }
  if (initial.shape != graph.value(layer.weight).constant->shape()) {
    throw ShapeError("error compensation",
                     fmt::format("codes of {} for layer '{}' of {}",
                                 shape_text(initial.shape),
                                 layer.name,
                                 shape_text(graph.value(layer.weight).constant->shape())));
  }
}

}  // namespace

CompensatedWeight compensate(const graph::Graph& graph,
                             const graph::Layer& layer,
                             const quant::QuantizedTensor& initial,
                             const LayerInputs& inputs,
                             const GptqOptions& options) {
  check(graph, layer, initial, options);
  auto moments = input_moments(graph, layer, inputs, options.moments);
  return std::move(
      compensate_each(graph, layer, {&initial, 1}, std::move(moments), options).front());
}

std::vector<CompensatedWeight> compensate_each(const graph::Graph& graph,
                                               const graph::Layer& layer,
                                               std::span<const quant::QuantizedTensor> initial,
                                               std::vector<InputMoments> moments,
                                               const GptqOptions& options) {
  for (const auto& one : initial) check(graph, layer, one, options);
  const WeightLayout layout = layout_of(layer);
  const Tensor& weight = *graph.value(layer.weight).constant;
  const bool free_bias = Compensation::has_free_bias(graph, layer, options);
  std::vector<Compensation> all;
  for (const auto& one : initial) all.emplace_back(graph, layer, one, options);
  const bool whole = moments.size() == static_cast<std::size_t>(layout.groups);
  for (InputMoments& part : moments) {
    if (!options.correct_inputs) {
      part.cross = part.second;
      part.mean = part.z_mean;
    }
    if (free_bias) subtract_means(part);
    Part prepared(layout, weight.data<float>(), std::move(part), options);
    for (Compensation& one : all) one.solve(prepared, whole);
  }
  std::vector<CompensatedWeight> results;
  for (Compensation& one : all) results.push_back(std::move(one).result());
  return results;
}

}  // namespace ompq::rounding

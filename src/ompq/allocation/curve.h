#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/allocation/problem.h"
#include "ompq/allocation/request.h"

namespace ompq::allocation {

/// One allocation on the curve of size against loss.
struct CurvePoint {
  std::int64_t limit = 0;  ///< budget of the allocation, in units of Curve::constraint
  std::int64_t cost = 0;   ///< cost of the allocation
  double loss = 0;
  double bound = 0;  ///< lower bound of the loss within `limit`
  double gap = 0;    ///< |loss - bound| / |loss|
  Allocation allocation;
};

/// A corner of the lower convex hull: the solution of the Lagrangian relaxation at a price.
struct Breakpoint {
  std::int64_t cost = 0;
  double loss = 0;
  double price = 0;  ///< loss saved per unit of cost after this corner; 0 at the last one
};

struct Curve {
  Constraint constraint;                ///< the varying budget; its limit is not used
  std::vector<CurvePoint> points;       ///< strictly ascending in cost, descending in loss
  std::vector<Breakpoint> breakpoints;  ///< ascending in cost; empty if other budgets are set
};

struct CurveOptions {
  std::size_t points = 50;  ///< number of limits, evenly spaced from the least to the most
  Quantity quantity =
      Quantity::SizeBits;  ///< the varying quantity; ActivationBytes is not supported
  /// Limit of labels for the dynamic programming that improves a point to the optimum; beyond it,
  /// the greedy solution and its gap are returned.
  std::size_t max_labels = 50000;
  /// With further budgets: time limit for branching at each point, in addition to request.integer.
  double point_seconds = 0.1;
};

/// Computes the whole curve over request.loss. In request.budget, the limit of the varying quantity
/// is ignored; all others apply at every point. With one budget all corners of the convex hull come
/// from one sweep over the items' own hulls (Zemel 1980; Sinha and Zoltners 1979, who also give the
/// bound between corners); each point starts at the corner below its limit and is improved to the
/// integer optimum. With further budgets every point is a separate integer program.
/// @throws InfeasibleBudget if the other budgets are infeasible; ConfigError as make_model.
[[nodiscard]] Curve lagrangian_curve(const AllocationRequest& request,
                                     const CurveOptions& options = {});

/// Index of the knee, after which more size gains little: the largest distance below the straight
/// line from the first to the last point, both axes scaled to 0..1. Source: Satopaa et al. 2011
/// (Kneedle), offline, without smoothing since the curve is exact.
/// @throws ConfigError if there are no points.
[[nodiscard]] std::size_t knee(const Curve& curve);
/// The same for any measured curve, such as sizes and divergences of evaluated networks.
/// @param sizes  ascending.
[[nodiscard]] std::size_t knee(std::span<const double> sizes, std::span<const double> losses);

}  // namespace ompq::allocation

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
  std::int64_t limit = 0;  ///< what the allocation may cost, in units of Curve::constraint
  std::int64_t cost = 0;   ///< what it costs
  double loss = 0;
  double bound = 0;  ///< no allocation within `limit` loses less
  double gap = 0;    ///< |loss - bound| / |loss|
  Allocation allocation;
};

/// A corner of the lower convex hull: what the Lagrangian relaxation chooses at a price.
struct Breakpoint {
  std::int64_t cost = 0;
  double loss = 0;
  double price = 0;  ///< loss that one more unit of cost saves from here on; 0 at the last one
};

struct Curve {
  Constraint constraint;                ///< the budget that varies; its limit is that of no point
  std::vector<CurvePoint> points;       ///< ascending in cost, descending in loss, no two alike
  std::vector<Breakpoint> breakpoints;  ///< ascending in cost; empty where other budgets are set
};

struct CurveOptions {
  std::size_t points = 50;                 ///< limits, evenly spaced from the least to the most
  Quantity quantity = Quantity::SizeBits;  ///< what varies; not a peak of activations
  /// Dynamic programming that improves a point to the optimum gives up at this many labels; the
  /// greedy answer and its gap then stand.
  std::size_t max_labels = 50000;
  /// With further budgets: time for branching at each point, besides request.integer.
  double point_seconds = 0.1;
};

/// The whole curve over request.loss at once. Of request.budget, the number of the varying quantity
/// is not looked at; all others hold at every point.
/// With one budget all corners of the convex hull come from one sweep over the items' own hulls
/// (Zemel 1980; Sinha and Zoltners 1979, who also give the bound between corners); each point
/// starts at the corner below its limit and is improved to the integer optimum. With further
/// budgets every point is an integer program of its own.
/// @throws InfeasibleBudget if the other budgets cannot hold; ConfigError as make_model.
[[nodiscard]] Curve lagrangian_curve(const AllocationRequest& request,
                                     const CurveOptions& options = {});

/// Index of the point where more size stops paying: the largest distance below the straight line
/// from the first to the last point, both axes scaled to 0..1. Source: Satopaa et al. 2011
/// (Kneedle), offline, without smoothing since the curve is exact.
/// @throws ConfigError if there are no points.
[[nodiscard]] std::size_t knee(const Curve& curve);
/// The same for any measured curve, such as sizes and divergences of networks that were tried.
/// @param sizes  ascending.
[[nodiscard]] std::size_t knee(std::span<const double> sizes, std::span<const double> losses);

}  // namespace ompq::allocation

#include "ompq/search/intervals.h"

#include <algorithm>
#include <cmath>

namespace ompq::search {
namespace {

/// Standard deviations of a normal distribution to either side of 95 %.
constexpr double kZ = 1.959964;

}  // namespace

Interval wilson_interval(double hits, double count) {
  const double share = hits / count;
  const double z2 = kZ * kZ / count;
  const double middle = (share + z2 / 2) / (1 + z2);
  const double half = kZ * std::sqrt(share * (1 - share) / count + z2 / (4 * count)) / (1 + z2);
  return {.lower = std::max(0.0, middle - half), .upper = std::min(1.0, middle + half)};
}

Interval paired_interval(double sum, double squares, double count) {
  const double middle = sum / (count + 2);
  const double second = (squares + 1) / (count + 2);
  const double half = kZ * std::sqrt((second - middle * middle) / (count + 2));
  return {.lower = middle - half, .upper = middle + half};
}

}  // namespace ompq::search

#pragma once

namespace ompq::search {

/// A 95 % interval.
struct Interval {
  double lower = 0;
  double upper = 0;
};

/// Wilson's interval of a share of `hits` in `count`. Source: Wilson 1927.
[[nodiscard]] Interval wilson_interval(double hits, double count);

/// The interval of the mean of `count` differences between -1 and 1, such as of the hits of two
/// networks on the same samples. Two samples are added, half of a sample in each of the four cells
/// of a pair of hits, so that few or no differences do not give an empty interval.
/// Source: Agresti and Min 2005.
/// @param sum  of the differences.
/// @param squares  the sum of their squares.
[[nodiscard]] Interval paired_interval(double sum, double squares, double count);

}  // namespace ompq::search

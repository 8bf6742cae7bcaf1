#include "ompq/ops/dims.h"

#include <algorithm>

namespace ompq::ops {

using graph::Dim;

namespace {

/// Zero times N is plain zero, so that equal numbers have one form.
Dim tidy(Dim dim) { return dim.size == 0 ? Dim::fixed(0) : dim; }

MaybeDim checked(std::int64_t size, bool overflow, bool times_batch) {
  if (overflow) return std::nullopt;
  return tidy({size, times_batch});
}

}  // namespace

MaybeDim add(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (a.size == 0) return b;
  if (b.size == 0) return a;
  if (a.times_batch != b.times_batch) return std::nullopt;
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(a.size, b.size, &sum);
  return checked(sum, overflow, a.times_batch);
}

MaybeDim subtract(Dim a, Dim b) {
  if (b.size == INT64_MIN) return std::nullopt;
  return add(a, {-b.size, b.times_batch});
}

MaybeDim multiply(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (a.times_batch && b.times_batch) return std::nullopt;
  std::int64_t result = 0;
  const bool overflow = __builtin_mul_overflow(a.size, b.size, &result);
  return checked(result, overflow, a.times_batch || b.times_batch);
}

MaybeDim divide(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (b.size == 0 || (a.size == INT64_MIN && b.size == -1)) return std::nullopt;
  if (a.times_batch == b.times_batch) return Dim::fixed(a.size / b.size);
  if (a.size == 0) return Dim::fixed(0);
  if (b.times_batch || a.size % b.size != 0) return std::nullopt;
  return Dim{a.size / b.size, true};
}

MaybeDim modulo(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (b.size == 0 || b.times_batch || b.size == -1) {
    return b.size == -1 && !b.times_batch ? MaybeDim(Dim::fixed(0)) : std::nullopt;
  }
  if (a.size % b.size == 0) return Dim::fixed(0);
  if (a.times_batch) return std::nullopt;
  const std::int64_t rest = a.size % b.size;
  return Dim::fixed((rest < 0) != (b.size < 0) ? rest + b.size : rest);
}

MaybeDim minimum(Dim a, Dim b) {
  const auto order = less(a, b);
  if (order) return *order ? a : b;
  return equal(a, b).value_or(false) ? MaybeDim(a) : std::nullopt;
}

MaybeDim maximum(Dim a, Dim b) {
  const auto smaller = minimum(a, b);
  if (!smaller) return std::nullopt;
  return *smaller == a ? b : a;
}

std::optional<bool> equal(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (a.times_batch == b.times_batch) return a.size == b.size;
  // k N against c: never equal where N >= 1 cannot bridge the sign or the divisibility.
  const std::int64_t factor = a.times_batch ? a.size : b.size;
  const std::int64_t number = a.times_batch ? b.size : a.size;
  if ((factor > 0) != (number > 0) || number == 0 || number % factor != 0) return false;
  return std::nullopt;
}

std::optional<bool> less(Dim a, Dim b) {
  a = tidy(a);
  b = tidy(b);
  if (a.times_batch == b.times_batch) return a.size < b.size;
  if (a.times_batch) {  // a N < b
    if (a.size >= b.size && a.size > 0) return false;
    if (a.size < b.size && a.size < 0) return true;
    return std::nullopt;
  }
  if (b.size > a.size && b.size > 0) return true;  // a < b N
  if (b.size <= a.size && b.size < 0) return false;
  return std::nullopt;
}

MaybeDim product(const std::vector<Dim>& dims) {
  MaybeDim result = Dim::fixed(1);
  for (const Dim& dim : dims) {
    result = multiply(*result, dim);
    if (!result) return std::nullopt;
  }
  return result;
}

}  // namespace ompq::ops

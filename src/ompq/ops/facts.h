#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/ops/dims.h"
#include "ompq/ops/operator.h"

/// Helpers for checks and shape rules, independent of LibTorch.
namespace ompq::ops {

using graph::Dim;
using graph::Shape;
using Facts = std::span<const InputFacts>;
using UnsupportedReason = std::optional<std::string>;
using OutputList = std::vector<OutputFacts>;
using Elements = std::optional<std::vector<Dim>>;

/// Maximum number of known elements that are tracked.
inline constexpr std::int64_t kMaxKnownElements = 1024;

/// @throws ShapeError "[ops] Conv node 'conv1': rule".
[[noreturn]] void fail(const OpContext& context, const std::string& rule);

/// The input's facts, or those of an absent input past the end.
[[nodiscard]] const InputFacts& fact(Facts inputs, std::size_t index);
[[nodiscard]] bool has(Facts inputs, std::size_t index);
[[nodiscard]] std::int64_t rank_of(const InputFacts& input);

[[nodiscard]] bool is_float(DataType type);
[[nodiscard]] bool is_integer(DataType type);  ///< bool excluded

// --- checks ---------------------------------------------------------------------------------
[[nodiscard]] UnsupportedReason always_supported(const OpContext&, Facts);
/// The first input must be of a float type.
[[nodiscard]] UnsupportedReason needs_float(const OpContext&, Facts inputs);
/// As `needs_float`, with rank 3 or more: batch, channels and at least one spatial axis.
[[nodiscard]] UnsupportedReason needs_images(const OpContext&, Facts inputs);
/// Returns a reason if `input` is present but its elements are known neither as numbers nor as
/// multiples of N.
[[nodiscard]] UnsupportedReason needs_known(Facts inputs, std::size_t index, std::string_view what);

// --- reading ----------------------------------------------------------------------------------
/// Axis in 0..rank-1. @throws ShapeError.
[[nodiscard]] std::int64_t normal_axis(const OpContext&, std::int64_t axis, std::int64_t rank);
[[nodiscard]] std::vector<std::int64_t> normal_axes(const OpContext&,
                                                    const std::vector<std::int64_t>& axes,
                                                    std::int64_t rank);
/// Integer elements, none of which depends on the batch.
[[nodiscard]] std::optional<std::vector<std::int64_t>> known_integers(const InputFacts& input);
/// The ints attribute `name` or, from `input_since` on, the integers of input `index`; nullopt if
/// absent. @throws ShapeError if the input is present but not known.
[[nodiscard]] std::optional<std::vector<std::int64_t>> ints_from(
    const OpContext&, Facts inputs, std::string_view name, std::size_t index, int input_since);

// --- shapes -------------------------------------------------------------------------------------
[[nodiscard]] OutputList same_as_first(const OpContext&, Facts inputs);
[[nodiscard]] OutputFacts output(DataType type, Shape shape, Elements elements = std::nullopt);
/// @throws ShapeError with both shapes if they do not broadcast.
[[nodiscard]] Shape broadcast(const OpContext&, const Shape& a, const Shape& b);
[[nodiscard]] Shape broadcast_all(const OpContext&, Facts inputs);
/// True if the extents are equal for every batch size.
[[nodiscard]] bool same(Dim a, Dim b);

// --- known elements ---------------------------------------------------------------------------
/// Row-major strides of a shape without N.
[[nodiscard]] std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& extents);
/// Elements broadcast from the shape of `input` to `to`; nullopt if unknown or too many.
[[nodiscard]] Elements elements_as(const InputFacts& input, const Shape& to);
using DimFunction = MaybeDim (*)(Dim, Dim);
/// `of` applied to the elements of integer inputs, broadcast to `shape`; nullopt if any is unknown.
[[nodiscard]] Elements combine(const InputFacts& a,
                               const InputFacts& b,
                               const Shape& shape,
                               DimFunction of);
/// Selects elements: for each element of a result of shape `extents`, `source(index)` is the flat
/// position in the source. @return the selected elements.
template <typename Source>
[[nodiscard]] Elements pick(const Elements& from,
                            const std::vector<std::int64_t>& extents,
                            Source&& source) {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) {
    if (extent > kMaxKnownElements || count * extent > kMaxKnownElements) return std::nullopt;
    count *= extent;
  }
  if (!from) return std::nullopt;
  std::vector<Dim> picked;
  std::vector<std::int64_t> index(extents.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    picked.push_back(from->at(static_cast<std::size_t>(source(index))));
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      if (++index[axis] < extents[axis]) break;
      index[axis] = 0;
    }
  }
  return picked;
}

}  // namespace ompq::ops

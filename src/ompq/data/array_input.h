#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/data/dataset.h"
#include "ompq/data/input_source.h"

namespace ompq::data {

[[nodiscard]] bool is_floating(DataType type);

/// How rows of an array become samples of an input.
struct RowLayout {
  enum class Order { Unchanged, ChannelsFirst, ChannelsLast };
  Order order = Order::Unchanged;
  std::vector<std::int64_t> extents;  ///< of the sample, all known
};

/// The layout that converts rows of shape `row` to `wanted` (extents below 1 are open): unchanged,
/// with [h, w, c] and [c, h, w] exchanged, or with axes of length 1 added or removed.
[[nodiscard]] std::optional<RowLayout> row_layout(std::span<const std::int64_t> row,
                                                  std::span<const std::int64_t> wanted);

/// Reads rows of `array` [n, ...] without preprocessing, converted to the input's type. A
/// floating-point input takes any number; an integer or bool input takes those that it can
/// represent.
/// @param name      the array, for messages.
/// @param repeated  the array has one row, which is used for every sample.
/// @throws DataError if the rows do not fit the spec; on reading, if a number does not fit the
/// type.
[[nodiscard]] std::unique_ptr<InputSource> array_input(Tensor array,
                                                       const InputSpec& spec,
                                                       const std::string& name,
                                                       bool repeated = false);

/// Converts `numbers` to `type`. @throws DataError naming the first number that `type` cannot
/// represent, and `place`, its destination ("input \"ids\"").
[[nodiscard]] Tensor kept_in(const Tensor& numbers, DataType type, const std::string& place);

}  // namespace ompq::data

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
  enum class Order { AsItIs, ChannelsFirst, ChannelsLast };
  Order order = Order::AsItIs;
  std::vector<std::int64_t> extents;  ///< of the sample, nothing open
};

/// The layout that brings rows of shape `row` to `wanted`, where extents below 1 are open: as they
/// are, with the axes of [h, w, c] and [c, h, w] exchanged, or with axes of length 1 more or fewer.
[[nodiscard]] std::optional<RowLayout> row_layout(std::span<const std::int64_t> row,
                                                  std::span<const std::int64_t> wanted);

/// Rows of `array` [n, ...], numbers as they are, in the type that the input takes: any number for
/// a floating input; for one of integers or bools those that it can hold.
/// @param name      the array, for messages.
/// @param repeated  its only row is every sample.
/// @throws DataError if the rows do not fit the spec; when read, if a number does not.
[[nodiscard]] std::unique_ptr<InputSource> array_input(Tensor array,
                                                       const InputSpec& spec,
                                                       const std::string& name,
                                                       bool repeated = false);

/// `numbers` in `type`. @throws DataError naming the first number that `type` cannot hold, and
/// `place`, what it is to be for ("input \"ids\"").
[[nodiscard]] Tensor kept_in(const Tensor& numbers, DataType type, const std::string& place);

}  // namespace ompq::data

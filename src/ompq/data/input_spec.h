#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// What the network expects of one input: "input", [3, 224, 224] (without the batch).
struct InputSpec {
  std::string name;
  std::vector<std::int64_t> extents;  ///< below 1: open, as the samples have it
  DataType type = DataType::Float32;
  /// Where the batch stands among the extents: first, mostly; none for an input that all samples of
  /// a pass share, such as a sampling rate. An input of a network that takes one sample a pass may
  /// have no extent for the batch: then it is first, and `extents` are all that the input has.
  std::optional<std::size_t> batch_axis = 0;
};

/// "3x224x224", with "?" for an extent that is open.
[[nodiscard]] std::string extents_text(std::span<const std::int64_t> extents);

}  // namespace ompq::data

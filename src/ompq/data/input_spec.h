#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::data {

/// The network's declaration of one input: "input", [3, 224, 224] (without the batch).
struct InputSpec {
  std::string name;
  std::vector<std::int64_t> extents;  ///< below 1: open, taken from the samples
  DataType type = DataType::Float32;
  /// Position of the batch axis, usually 0; nullopt for an input that all samples of a pass share,
  /// such as a sampling rate. An input of a network that takes one sample per pass may have no
  /// batch axis: then this is 0, and `extents` are all extents of the input.
  std::optional<std::size_t> batch_axis = 0;
};

/// "3x224x224", with "?" for an open extent.
[[nodiscard]] std::string extents_text(std::span<const std::int64_t> extents);

}  // namespace ompq::data

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::onnx_io {

/// The opsets that are read.
inline constexpr int kMinOpset = 7;
inline constexpr int kMaxOpset = 28;

/// A network input as the file declares it.
struct DeclaredInput {
  std::string name;
  DataType type = DataType::Float32;
  std::vector<std::int64_t> extents;  ///< -1: open in the file
  std::size_t batch_axis = 0;         ///< index of the batch extent
};

/// True if all extents are fixed and the batch is 1: the network takes one sample at a time.
[[nodiscard]] bool is_of_one_sample(const DeclaredInput& input);

/// Extents by input name: without the batch, or all extents if the open first extent of the file is
/// not a batch (for example a sequence length).
using SampleExtents = std::map<std::string, std::vector<std::int64_t>>;

/// The values of scalar inputs (a sampling rate), equal in all samples, by name.
using SampleNumbers = std::map<std::string, Tensor>;

struct ImportOptions {
  /// Extents for the unknown dimensions of an input ("input" -> 1,3,224,224; -1 keeps the batch
  /// open). The first extent may also replace a fixed one.
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
  /// Returns the samples' extents. Called once, with all inputs, if extents besides the batch are
  /// open in the file and not in input_shapes. May be empty, and may omit inputs.
  std::function<SampleExtents(const std::vector<DeclaredInput>&)> sample_extents = {};
  /// Called with all inputs if the condition of an If is computed. May be empty. Not called by
  /// import_onnx().
  std::function<SampleNumbers(const std::vector<DeclaredInput>&)> sample_numbers = {};
};

}  // namespace ompq::onnx_io

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::onnx_io {

/// A network input as the file declares it.
struct DeclaredInput {
  std::string name;
  DataType type = DataType::Float32;
  std::vector<std::int64_t> extents;  ///< -1 where the file leaves them open
  std::size_t batch_axis = 0;         ///< the extent that counts samples
};

/// True for an input that is fixed and has one sample: the network takes one at a time.
[[nodiscard]] bool is_of_one_sample(const DeclaredInput& input);

/// Extents by the name of their input: without the batch, or all of them where what the file leaves
/// open in its place is no batch (the length of a sequence).
using SampleExtents = std::map<std::string, std::vector<std::int64_t>>;

/// What inputs without axes (a sampling rate) are in all samples, by name.
using SampleNumbers = std::map<std::string, Tensor>;

struct ImportOptions {
  /// Extents that replace unknown dimensions of an input ("input" -> 1,3,224,224; -1 keeps the
  /// batch open). The first extent may also replace a fixed one.
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
  /// Asked, once and with all inputs, where extents besides the batch are open in the file and not
  /// in input_shapes: what the samples have. May be empty, and may know some inputs alone.
  std::function<SampleExtents(const std::vector<DeclaredInput>&)> sample_extents = {};
  /// Asked, with all inputs, where the condition of an If is computed. May be empty. Not asked by
  /// import_onnx(), which reads what the file says.
  std::function<SampleNumbers(const std::vector<DeclaredInput>&)> sample_numbers = {};
};

}  // namespace ompq::onnx_io

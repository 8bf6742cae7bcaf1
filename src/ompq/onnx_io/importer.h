#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

inline constexpr int kMinOpset = 7;
inline constexpr int kMaxOpset = 28;

/// Stands, as a string, for an attribute that a Graph cannot hold: a type, a list of tensors, the
/// sub-network of an operator other than If, Loop and Scan. The node keeps the attribute's name, so
/// that the operator check can list the node with all others that cannot be run; the exporter
/// refuses it.
inline constexpr std::string_view kUnreadAttribute = "<not read>";

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

/// Reads an ONNX file of opset 7 to 28: initializers, Constant nodes, functions that the file
/// defines (their nodes take the place of each call), the sub-networks of If, Loop and Scan,
/// external data (inside of the model's folder, unless the model itself is a link), float32 and
/// float16 (float32 everywhere, as are bfloat16 and float64), int4 and uint4 constants (widened to
/// int8 and uint8). The first dimension of a network input with a symbolic or missing extent is the
/// batch, or a later one that bears the same symbol. Weights are checked for element count, NaN and
/// infinity. Constants of text are left out, unless a node that the outputs depend on reads them.
/// What other tools' operators join is taken apart (lower_operators()). Operators are not judged
/// here; nodes come out sorted. A node without a name is named after its weight ("layer1.0.conv1"
/// for "layer1.0.conv1.weight"), or else by operator and number
/// ("Relu_4").
/// @param data_files  if given: gets the files next to the model that hold its external data.
/// @throws ImportError naming the file, the node or tensor and the rule; FileError if the file
/// cannot be read; ConfigError for input_shapes that do not fit the network.
[[nodiscard]] graph::Graph import_onnx(const std::filesystem::path& file,
                                       const ImportOptions& options = {},
                                       std::set<std::filesystem::path>* data_files = nullptr);

/// The same for a model in memory. `file` names it in errors; external data is looked for in its
/// folder, and refused where `file` is empty.
[[nodiscard]] graph::Graph import_onnx_bytes(std::string_view bytes,
                                             const std::filesystem::path& file = {},
                                             const ImportOptions& options = {},
                                             std::set<std::filesystem::path>* data_files = nullptr);

}  // namespace ompq::onnx_io

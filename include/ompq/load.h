#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "ompq/errors.h"
#include "ompq/options.h"

namespace ompq {

/// A weight with its own bit-width.
struct Layer {
  std::string name;
  std::string op_type;  ///< "Conv"
  std::int64_t weights = 0;
  std::int64_t macs = 0;     ///< multiply-accumulates for one sample
  std::string output_shape;  ///< "Nx64x56x56"
  std::string tied_to;       ///< the layer whose width it shares, or ""
  std::string block;
};

/// An input or output of the network.
struct NetworkValue {
  std::string name;
  std::string shape;  ///< "Nx3x224x224"
};

/// An operator with weights that stays float.
struct FloatOperator {
  std::string name;
  std::string op_type;
  std::string reason;
};

/// A network that ompq can run, without its weights; commands read the file again.
struct Model {
  std::filesystem::path file;
  std::vector<std::string> input_shapes;  ///< values of `input-shape`
  std::int64_t bytes = 0;
  std::int64_t opset = 0;
  std::int64_t parameters = 0;
  std::vector<NetworkValue> inputs;
  std::vector<NetworkValue> outputs;
  std::vector<Layer> layers;
  std::vector<FloatOperator> not_quantizable;
  std::string json;  ///< all of it, as `ompq inspect --json` prints
};

struct OMPQ_API LoadOptions : Options {
  LoadOptions();
};

/// Reads an ONNX file and finds its layers.
/// @throws ImportError, UnsupportedOp (lists nodes that cannot be run, at most 20), ShapeError.
[[nodiscard]] OMPQ_API Model load(const std::filesystem::path& file,
                                  const LoadOptions& options = {});

/// Which network a command works on: a loaded model or its file.
struct ModelRef {
  ModelRef(const Model& model) : file(model.file), input_shapes(model.input_shapes) {}
  ModelRef(std::filesystem::path path) : file(std::move(path)) {}
  ModelRef(std::string path) : file(std::move(path)) {}
  ModelRef(const char* path) : file(path) {}

  std::filesystem::path file;
  std::vector<std::string> input_shapes;
};

}  // namespace ompq

#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"

namespace at {
class Tensor;
}

namespace ompq::ops {

/// The information about one input for a shape rule: its type, shape, and its elements if known.
/// Integer elements may depend on the batch, which resolves Shape -> Gather -> Concat chains of
/// exporters.
struct InputFacts {
  bool present = false;
  bool known = true;  ///< false after an unsupported node: type and shape are then not valid
  DataType type = DataType::Float32;
  graph::Shape shape;
  const Tensor* constant = nullptr;  ///< known elements that do not depend on the batch
  std::optional<std::vector<graph::Dim>>
      elements;  ///< known integer elements, row-major; at most 1024
};

struct OutputFacts {
  DataType type = DataType::Float32;
  graph::Shape shape;
  std::optional<std::vector<graph::Dim>> elements;
};

/// The domain of ONNX Runtime's own operators.
inline constexpr std::string_view kMicrosoft = "com.microsoft";

struct OpContext {
  const graph::Node& node;
  int opset;
};

/// A row of the operator table.
struct Operator {
  std::string_view type;
  std::string_view domain;
  int since_opset;          ///< first supported opset version
  std::size_t min_inputs;   ///< number of required inputs
  std::size_t max_outputs;  ///< number of supported outputs; a node with more is refused
  /// The reason why this node cannot be run; nullopt if it can. Inputs may be unknown.
  std::optional<std::string> (*check)(const OpContext&, std::span<const InputFacts>);
  /// @throws ShapeError naming the node.
  std::vector<OutputFacts> (*infer)(const OpContext&, std::span<const InputFacts>);
  /// Runs on LibTorch (differentiable if the function is); missing inputs are undefined tensors.
  std::vector<at::Tensor> (*run)(const OpContext&, std::span<const at::Tensor>);
};

/// The table of operators.
[[nodiscard]] std::span<const Operator> operator_table();
/// nullptr if there is none.
[[nodiscard]] const Operator* find_operator(std::string_view domain, std::string_view type);
/// Why the table has no row for `type`, e.g. "its output's shape depends on the data".
[[nodiscard]] std::string_view reason_without_row(std::string_view domain, std::string_view type);
/// True for operators without a row because their output shapes depend on the data.
[[nodiscard]] bool depends_on_data(std::string_view domain, std::string_view type);

}  // namespace ompq::ops

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

/// What a shape rule sees of one input: its type, its shape, and its elements where they are known.
/// Integer elements may depend on the batch (a Shape -> Gather -> Concat chain), which is what
/// resolves exporters' debris.
struct InputFacts {
  bool present = false;
  bool known = true;  ///< false after a node that cannot be run: type and shape then mean nothing
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

/// Everything ompq knows about one ONNX operator.
struct Operator {
  std::string_view type;
  std::string_view domain;
  int since_opset;          ///< first opset version whose meaning is covered
  std::size_t min_inputs;   ///< inputs that must be there
  std::size_t max_outputs;  ///< outputs that ompq makes; a node that asks for more is refused
  /// Says in words why this node cannot be run; nothing if it can. Inputs may be unknown.
  std::optional<std::string> (*check)(const OpContext&, std::span<const InputFacts>);
  /// @throws ShapeError naming the node.
  std::vector<OutputFacts> (*infer)(const OpContext&, std::span<const InputFacts>);
  /// Runs on LibTorch (differentiable wherever the mathematics is); inputs left out are undefined
  /// tensors.
  std::vector<at::Tensor> (*run)(const OpContext&, std::span<const at::Tensor>);
};

/// The one table of operators.
[[nodiscard]] std::span<const Operator> operator_table();
/// nullptr if there is none.
[[nodiscard]] const Operator* find_operator(std::string_view domain, std::string_view type);
/// Why the table has no row for `type`, e.g. "its output's shape depends on the data".
[[nodiscard]] std::string_view reason_without_row(std::string_view domain, std::string_view type);
/// True for operators without a row because the shapes of what they make depend on the data.
[[nodiscard]] bool depends_on_data(std::string_view domain, std::string_view type);

}  // namespace ompq::ops

#pragma once

#include <string>
#include <vector>

#include "ompq/core/random.h"
#include "ompq/graph/graph.h"

namespace ompq::testing {

struct ConvOptions {
  std::int64_t out = 0;  ///< output channels
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::vector<std::int64_t> pads{};  ///< top, left, bottom, right; empty keeps "same" for stride 1
  std::int64_t groups = 1;
  std::int64_t dilation = 1;
  bool bias = false;
  std::int64_t output_padding = 0;  ///< ConvTranspose alone
};

/// Writes networks for tests and benchmarks in few lines: every value gets its shape at once, so
/// that the graph is complete without shape inference, and every weight is drawn from a seed.
///
/// Activations stay of order one at any depth, as in a trained network: weights are He-scaled, and
/// each batch norm's running statistics are the expected mean and variance of what it reads,
/// carried along from operator to operator for roughly normal inputs.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name, std::uint64_t seed = 1, int opset = 13);

  using ValueId = graph::ValueId;
  ValueId input(const std::string& name, graph::Shape shape);
  /// Weights "<name>.weight" [out, in/groups, k, k] and, if asked, "<name>.bias".
  ValueId conv(const std::string& name, ValueId x, const ConvOptions& options);
  /// Weights [in, out/groups, k, k].
  ValueId conv_transpose(const std::string& name, ValueId x, const ConvOptions& options);
  /// BatchNormalization with positive scales; epsilon 1e-5.
  ValueId norm(const std::string& name, ValueId x);
  /// Fully connected, weight [out, in] (transB = 1), bias [out].
  ValueId gemm(const std::string& name, ValueId x, std::int64_t out);
  /// MatMul with a constant [in, out]; with a bias, an Add "<name>.add" after it.
  ValueId linear(const std::string& name, ValueId x, std::int64_t out, bool bias = true);
  ValueId matmul(const std::string& name, ValueId a, ValueId b);

  ValueId relu(const std::string& name, ValueId x);
  /// Bounds are scalar constants, shared under the names "clip_<bound>".
  ValueId clip(const std::string& name, ValueId x, float low, float high);
  /// Relu, Sigmoid, HardSwish, Erf, Identity, Dropout ...: one input, same shape.
  ValueId unary(const std::string& op_type, const std::string& name, ValueId x);
  /// Add, Mul ... with broadcasting.
  ValueId binary(const std::string& op_type, const std::string& name, ValueId a, ValueId b);
  ValueId add(const std::string& name, ValueId a, ValueId b) { return binary("Add", name, a, b); }

  ValueId max_pool(const std::string& name,
                   ValueId x,
                   std::int64_t kernel,
                   std::int64_t stride,
                   std::int64_t pad);
  ValueId global_average_pool(const std::string& name, ValueId x);
  ValueId flatten(const std::string& name, ValueId x);
  ValueId concat(const std::string& name, const std::vector<ValueId>& parts, std::int64_t axis);
  ValueId transpose(const std::string& name, ValueId x, const std::vector<std::int64_t>& perm);
  /// `target` as ONNX reads it: 0 copies, -1 is inferred; `shape` is what comes out.
  ValueId reshape(const std::string& name,
                  ValueId x,
                  const std::vector<std::int64_t>& target,
                  graph::Shape shape);
  /// Constant zero padding of the last two axes.
  ValueId pad(const std::string& name,
              ValueId x,
              const std::vector<std::int64_t>& top_left_bottom_right);
  /// QuantizeLinear -> DequantizeLinear per tensor.
  ValueId quantize_dequantize(const std::string& name,
                              ValueId x,
                              float scale,
                              std::uint8_t zero_point);

  /// Any other operator: a node with one output of the given shape and type.
  ValueId op(graph::Node node, graph::Shape shape, DataType type = DataType::Float32);
  ValueId constant(const std::string& name, Tensor tensor);
  /// A constant of seeded normal numbers.
  ValueId normal_constant(const std::string& name,
                          std::vector<std::int64_t> shape,
                          double deviation,
                          double mean = 0.0);

  [[nodiscard]] const graph::Shape& shape(ValueId id) const;
  [[nodiscard]] std::int64_t channels(ValueId id) const { return shape(id).at(1).size; }
  [[nodiscard]] graph::Graph& graph() { return graph_; }
  /// Marks the outputs and hands the graph over.
  [[nodiscard]] graph::Graph finish(const std::vector<ValueId>& outputs);

 private:
  /// Expected mean and variance per channel (axis 1), or one entry where channels do not matter.
  struct Moments {
    std::vector<double> mean{0.0};
    std::vector<double> variance{1.0};
  };
  [[nodiscard]] const Moments& moments(ValueId id) const;
  void set_moments(ValueId id, Moments moments);
  /// Mean and variance of a weighted sum per output channel. `weight(o, i)` blocks lie at
  /// weights[(o * in + i) * taps].
  [[nodiscard]] Moments weighted(const Moments& x,
                                 std::span<const float> weights,
                                 std::int64_t out,
                                 std::int64_t in,
                                 std::int64_t taps,
                                 std::int64_t groups) const;
  [[nodiscard]] Tensor draw(const std::string& name,
                            std::vector<std::int64_t> shape,
                            double deviation,
                            double mean) const;
  [[nodiscard]] graph::Shape broadcast(ValueId a, ValueId b) const;

  graph::Graph graph_;
  Random random_;
  std::vector<Moments> moments_;  // by ValueId
};

/// @throws std::out_of_range where no node has this name.
[[nodiscard]] const graph::Node& node_named(const graph::Graph& graph, const std::string& name);

}  // namespace ompq::testing

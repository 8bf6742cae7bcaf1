#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <dnnl.hpp>

#include "ompq/graph/graph.h"
#include "ompq/quant/grid.h"
#include "ompq/reconstruction/block_kernels.h"
#include "ompq/runtime/convolution_passes.h"

/// The operators of a BlockProgram.
namespace ompq::reconstruction {

/// Index of an activation in a program.
using Slot = std::size_t;

/// The working memory of one thread; tensors are those of one micro-batch.
struct Lane {
  std::vector<at::Tensor> values;                    ///< by slot
  std::vector<at::Tensor> gradients;                 ///< by slot; slots may share one, see OpNeeds
  std::vector<bool> written;                         ///< by slot: the gradient is set
  std::vector<std::vector<float>> weight_gradients;  ///< by operator, in its own layout, summed
  std::vector<std::vector<float>> bias_gradients;    ///< by operator, summed
  std::vector<double> step_gradients;                ///< by operator, summed
  std::vector<at::Tensor> scratch;                   ///< by operator
  std::vector<std::vector<at::Tensor>> leaves;       ///< by operator: inputs recorded by LibTorch
  std::vector<std::vector<at::Tensor>> saved;        ///< by operator: their outputs
  std::uint32_t seed = 0;                            ///< of the current step
  std::uint32_t first_row = 0;                       ///< of the micro-batch in the step
  double loss = 0.0;
};

/// Adds to (or, the first time, sets) a slot's gradient.
void give_gradient(Lane& lane, Slot slot, const at::Tensor& gradient, Element type);

class BlockOp {
 public:
  BlockOp() = default;
  BlockOp(const BlockOp&) = delete;
  BlockOp& operator=(const BlockOp&) = delete;
  virtual ~BlockOp() = default;

  virtual void prepare(Lane& /*lane*/) const {}
  virtual void forward(Lane& lane) const = 0;
  /// Computes the gradients of inputs that need one from the output's gradient.
  virtual void backward(Lane& lane) const = 0;
  [[nodiscard]] virtual std::string name() const = 0;

  std::size_t index = 0;      ///< its index in the program
  std::vector<Slot> outputs;  ///< if none has a gradient, backward is skipped
};

/// Data shared by the operators of a program.
struct OpContext {
  Element type = Element::Float32;
  at::ScalarType scalar = at::kFloat;
};

/// A convolution or matrix product with a constant weight, a bias and bounds.
struct ProductSpec {
  std::string name;
  Slot input = 0;
  Slot output = 0;
  runtime::ConvolutionShape shape;
  Bounds bounds;
  bool mask_output = true;  ///< false: the reader of the output masks its gradient
  bool learns_weight = false;
  bool input_needs_gradient = false;
  bool input_has_other_readers = false;
  bool transposed = false;  ///< the weight is stored as [in, out]
  std::size_t weight = 0;   ///< index among the program's weights
};

class ProductOp final : public BlockOp {
 public:
  ProductOp(ProductSpec spec, const OpContext& context);
  void prepare(Lane& lane) const override;
  void forward(Lane& lane) const override;
  void backward(Lane& lane) const override;
  [[nodiscard]] std::string name() const override { return spec_.name; }

  [[nodiscard]] const ProductSpec& spec() const { return spec_; }
  /// Row-major, as the graph has them. Not while a pass runs.
  void set_weights(std::span<const float> weights);
  void set_bias(std::vector<float> bias) { bias_ = std::move(bias); }
  /// sum += the gradient of the weights, summed over `lanes` in their order.
  void collect(std::vector<Lane>& lanes, std::span<float> sum);
  /// sum += the gradient of the bias, likewise.
  void collect_bias(std::vector<Lane>& lanes, std::span<float> sum) const;

 private:
  void pack(std::span<const float> weights);

  ProductSpec spec_;
  OpContext context_;
  runtime::ConvolutionPasses passes_;
  dnnl::memory forward_weights_;
  dnnl::memory backward_weights_;  ///< as backward_data() reads them
  std::vector<float> bias_;
  std::vector<float> plain_;  ///< scratch for row-major [out, ...] weights or gradients
};

struct QuantizeSpec {
  std::string name;
  Slot input = 0;
  Slot output = 0;
  Bounds bounds;  ///< of the input, whose producer leaves the masking to this operator
  bool needs_gradient = false;  ///< for its input or step
  std::uint32_t stream = 0;     ///< random stream of the drops
  std::uint32_t drop_threshold = 0;
};

class QuantizeOp final : public BlockOp {
 public:
  QuantizeOp(QuantizeSpec spec, const OpContext& context, const quant::Grid& grid)
      : spec_(std::move(spec)), context_(context), grid_(grid) {
    outputs = {spec_.output};
  }
  void forward(Lane& lane) const override;
  void backward(Lane& lane) const override;
  [[nodiscard]] std::string name() const override { return spec_.name; }
  void set_step(float step) { grid_.scale = step; }
  [[nodiscard]] const QuantizeSpec& spec() const { return spec_; }

 private:
  [[nodiscard]] Drop drop_of(const Lane& lane) const;

  QuantizeSpec spec_;
  OpContext context_;
  quant::Grid grid_;
};

struct AddSpec {
  std::string name;
  Slot a = 0;
  Slot b = 0;
  Slot output = 0;
  Bounds bounds;
  bool mask_output = true;
  bool a_needs_gradient = false;
  bool b_needs_gradient = false;
  bool a_shares_gradient = false;  ///< a's gradient is the output's memory
};

class AddOp final : public BlockOp {
 public:
  AddOp(AddSpec spec, const OpContext& context) : spec_(std::move(spec)), context_(context) {
    outputs = {spec_.output};
  }
  void forward(Lane& lane) const override;
  void backward(Lane& lane) const override;
  [[nodiscard]] std::string name() const override { return spec_.name; }

 private:
  AddSpec spec_;
  OpContext context_;
};

struct BoundsSpec {
  std::string name;
  Slot input = 0;
  Slot output = 0;
  Bounds bounds;
  bool mask_output = true;
  bool needs_gradient = false;
};

class BoundsOp final : public BlockOp {
 public:
  BoundsOp(BoundsSpec spec, const OpContext& context) : spec_(std::move(spec)), context_(context) {
    outputs = {spec_.output};
  }
  void forward(Lane& lane) const override;
  void backward(Lane& lane) const override;
  [[nodiscard]] std::string name() const override { return spec_.name; }

 private:
  BoundsSpec spec_;
  OpContext context_;
};

/// Any other operator, run by LibTorch. It may have a learned weight (such as a transposed
/// convolution).
struct GenericSpec {
  const graph::Graph* graph = nullptr;
  graph::NodeId node = graph::kNoNode;
  std::vector<std::optional<Slot>> inputs;  ///< by input of the node; nullopt: constant or missing
  std::vector<std::optional<Slot>> outputs;
  std::vector<bool> needs_gradient;          ///< by input
  std::optional<std::size_t> learned_input;  ///< index of the learned weight
  std::size_t weight = 0;
};

class GenericOp final : public BlockOp {
 public:
  GenericOp(GenericSpec spec, const OpContext& context);
  void forward(Lane& lane) const override;
  void backward(Lane& lane) const override;
  [[nodiscard]] std::string name() const override;

  [[nodiscard]] const GenericSpec& spec() const { return spec_; }
  /// Called when a constant input has a new value.
  void set_constant(std::size_t input, const at::Tensor& value) { constants_[input] = value; }
  void collect(std::vector<Lane>& lanes, std::span<float> sum);

 private:
  GenericSpec spec_;
  OpContext context_;
  std::vector<at::Tensor> constants_;  ///< by input
};

}  // namespace ompq::reconstruction

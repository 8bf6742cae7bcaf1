#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/graph.h"
#include "ompq/runtime/buffer_pool.h"

namespace ompq::runtime {

/// Inputs of Conv, ConvTranspose, Gemm, MatMul and their fused forms.
enum LayerInput : std::size_t { kData, kWeight, kBias, kResidual };

/// The node of the (fused) graph for which a kernel is created.
struct KernelRequest {
  const graph::Graph& graph;
  const graph::Node& node;
  at::ScalarType activation_type;  ///< float32 or bfloat16: type of products' inputs and outputs
  at::ScalarType output_type;      ///< float32 if the node produces a network output

  [[nodiscard]] const graph::Value* value(std::size_t input) const {
    const graph::ValueId id = node.input(input);
    return id == graph::kNoValue ? nullptr : &graph.value(id);
  }
  [[nodiscard]] bool is_constant(std::size_t input) const {
    return node.input(input) != graph::kNoValue && graph.is_constant(node.input(input));
  }
  [[nodiscard]] bool is_float_constant(std::size_t input) const {
    return is_constant(input) && value(input)->type == DataType::Float32;
  }
  /// Rank of an input; 0 if it is missing or unknown.
  [[nodiscard]] std::size_t rank(std::size_t input) const {
    const graph::Value* found = value(input);
    return found != nullptr && found->shape ? found->shape->size() : 0;
  }
};

/// The resources of one run of a kernel.
struct KernelContext {
  BufferPool& pool;
  /// overwritable[i]: input i has no later reader and does not share its memory.
  std::span<const bool> overwritable;

  [[nodiscard]] bool may_overwrite(std::size_t input) const {
    return input < overwritable.size() && overwritable[input];
  }
};

/// A node prepared for repeated runs. Caches data that depend on constants and shapes.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// Takes one tensor per input (undefined if missing) and returns one per output.
  [[nodiscard]] virtual std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                                                    const KernelContext& context) = 0;
  /// Called when constant input `index` has a new value; cached data of the old one is invalid.
  virtual void constant_changed(std::size_t /*index*/) {}
  /// True if outputs never share memory, so that the last reader may overwrite them.
  [[nodiscard]] virtual bool makes_fresh_outputs() const { return true; }
  /// The last used implementation, for the profile.
  [[nodiscard]] virtual std::string description() const = 0;
};

/// Each returns nullptr for a node that it does not support; then the next row is tried, finally
/// LibTorch.
[[nodiscard]] std::unique_ptr<Kernel> make_convolution(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_transposed_convolution(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_gemm(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_matmul(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_pool(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_fake_quantize(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_product(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_operator(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_matmul(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_pool(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_average_pool(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_sigmoid(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_integer_softmax(const KernelRequest& request);
/// A kernel for any node of the operator table. @throws UnsupportedOp for others.
[[nodiscard]] std::unique_ptr<Kernel> make_generic(const KernelRequest& request);

/// The fastest kernel for the node; `plain`: always LibTorch's.
[[nodiscard]] std::unique_ptr<Kernel> make_kernel(const KernelRequest& request, bool plain);

}  // namespace ompq::runtime

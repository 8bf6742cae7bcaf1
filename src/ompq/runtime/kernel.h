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

/// What a kernel is made for: one node of the (fused) graph.
struct KernelRequest {
  const graph::Graph& graph;
  const graph::Node& node;
  at::ScalarType activation_type;  ///< float32 or bfloat16: what products read and make
  at::ScalarType output_type;      ///< float32 where the node makes a network output

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
  /// Rank of an input; 0 where it is left out or unknown.
  [[nodiscard]] std::size_t rank(std::size_t input) const {
    const graph::Value* found = value(input);
    return found != nullptr && found->shape ? found->shape->size() : 0;
  }
};

/// What one run of a kernel may use.
struct KernelContext {
  BufferPool& pool;
  /// overwritable[i]: nobody reads input i afterwards and its memory belongs to it alone.
  std::span<const bool> overwritable;

  [[nodiscard]] bool may_overwrite(std::size_t input) const {
    return input < overwritable.size() && overwritable[input];
  }
};

/// A node made ready to run many times. Keeps what depends on constants and shapes.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// One tensor for each input of the node (undefined where it is left out), one for each output.
  [[nodiscard]] virtual std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                                                    const KernelContext& context) = 0;
  /// Constant input `index` has a new value: what was made from the old one is stale.
  virtual void constant_changed(std::size_t /*index*/) {}
  /// True if outputs never share memory with anything else, so that a last reader may write there.
  [[nodiscard]] virtual bool makes_fresh_outputs() const { return true; }
  /// What ran last, for the profile.
  [[nodiscard]] virtual std::string description() const = 0;
};

/// Each returns nothing for a node that it does not run; the row after it, at last LibTorch, does.
[[nodiscard]] std::unique_ptr<Kernel> make_convolution(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_transposed_convolution(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_gemm(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_matmul(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_pool(const KernelRequest& request);
[[nodiscard]] std::unique_ptr<Kernel> make_fake_quantize(const KernelRequest& request);
/// Any node that the operator table runs. @throws UnsupportedOp for others.
[[nodiscard]] std::unique_ptr<Kernel> make_generic(const KernelRequest& request);

/// The fastest kernel for the node; `plain`: LibTorch's own, whatever the node.
[[nodiscard]] std::unique_ptr<Kernel> make_kernel(const KernelRequest& request, bool plain);

}  // namespace ompq::runtime

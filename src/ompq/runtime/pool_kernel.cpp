#include <algorithm>

#include "ompq/ops/window.h"
#include "ompq/runtime/dnnl_support.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/weight_cache.h"

namespace ompq::runtime {
namespace {

using dnnl::algorithm;

struct PoolPrimitive {
  DnnlPooling::primitive_desc desc;
  DnnlPooling primitive;
  std::string name;
  std::vector<std::int64_t> output;
};

/// MaxPool, AveragePool and GlobalAveragePool over two spatial axes.
class PoolKernel final : public Kernel {
 public:
  explicit PoolKernel(const KernelRequest& request)
      : context_{request.node, request.graph.opset}, global_(request.node.is("GlobalAveragePool")) {
    if (request.node.is("MaxPool")) {
      algorithm_ = algorithm::pooling_max;
    } else if (!global_ && request.node.int_attribute("count_include_pad", 0) != 0) {
      algorithm_ = algorithm::pooling_avg_include_padding;
    } else {
      algorithm_ = algorithm::pooling_avg_exclude_padding;
    }
  }

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& context) override {
    // Reading the existing layout is faster than converting it first.
    const at::ScalarType type =
        inputs[0].scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
    const at::Tensor data = dnnl_activation(inputs[0], type, context.pool);
    auto& cache = type == at::kFloat ? floats_ : bfloats_;
    PoolPrimitive& prepared = cache.get(data.sizes(), [&] { return make(data); });
    const at::Tensor result = context.pool.empty(prepared.output, type);
    dnnl_execute(prepared.primitive,
                 {{DNNL_ARG_SRC, dnnl_memory_of(data, prepared.desc.src_desc())},
                  {DNNL_ARG_DST, dnnl_memory_of(result, prepared.desc.dst_desc())},
                  {DNNL_ARG_SCRATCHPAD, dnnl_scratchpad(prepared.desc.scratchpad_desc())}});
    last_name_ = prepared.name;
    return {result};
  }

  std::string description() const override { return last_name_; }

 private:
  ops::Window window_over(at::IntArrayRef spatial) const {
    if (!global_) return ops::sliding_window(context_, spatial);
    return {spatial.vec(), {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}};
  }

  PoolPrimitive make(const at::Tensor& data) const {
    ops::Window window = window_over(data.sizes().slice(2));
    std::vector<std::int64_t> output{data.size(0), data.size(1)};
    output.insert(output.end(), window.output.begin(), window.output.end());
    for (std::size_t axis = 0; axis < 2; ++axis) {
      // An additional last window of ceil_mode may need more padding than given.
      const std::int64_t reach = (window.output[axis] - 1) * window.stride[axis] +
                                 window.dilation[axis] * (window.kernel[axis] - 1) + 1;
      const std::int64_t missing =
          reach - data.size(static_cast<std::int64_t>(axis) + 2) - window.pad_head[axis];
      window.pad_tail[axis] = std::max(window.pad_tail[axis], missing);
      --window.dilation[axis];  // oneDNN's dilation is 0-based
    }
    const DnnlType type = dnnl_type_of(data.scalar_type());
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto primitive_desc =
        dnnl_describe<DnnlPooling>(attributes,
                                   dnnl::prop_kind::forward_inference,
                                   algorithm_,
                                   dnnl::memory::desc(data.sizes().vec(), type, DnnlTag::nhwc),
                                   dnnl::memory::desc(output, type, DnnlTag::nhwc),
                                   window.stride,
                                   window.kernel,
                                   window.dilation,
                                   window.pad_head,
                                   window.pad_tail);
    return {primitive_desc,
            DnnlPooling(primitive_desc),
            primitive_desc.impl_info_str(),
            std::move(output)};
  }

  ops::OpContext context_;
  bool global_;
  algorithm algorithm_;
  ShapeCache<PoolPrimitive> floats_;
  ShapeCache<PoolPrimitive> bfloats_;
  std::string last_name_ = "not run";
};

}  // namespace

std::unique_ptr<Kernel> make_pool(const KernelRequest& request) {
  if (request.rank(0) != 4 || request.value(0)->type != DataType::Float32) return nullptr;
  const graph::Node& node = request.node;
  if (node.outputs.size() > 1 && node.outputs[1] != graph::kNoValue) return nullptr;  // indices
  // oneDNN and ONNX differ in counting the padding of windows added by ceil_mode.
  const bool average = node.is("AveragePool");
  if (average && node.int_attribute("ceil_mode", 0) != 0) return nullptr;
  return std::make_unique<PoolKernel>(request);
}

}  // namespace ompq::runtime

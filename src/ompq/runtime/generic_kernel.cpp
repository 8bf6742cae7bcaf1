#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/operator.h"
#include "ompq/runtime/kernel.h"

namespace ompq::runtime {
namespace {

/// Any node, run by the operator table.
class GenericKernel final : public Kernel {
 public:
  GenericKernel(const KernelRequest& request, const ops::Operator& op)
      : context_{request.node, request.graph.opset}, op_(op) {}

  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                              const KernelContext& /*context*/) override {
    return op_.run(context_, inputs);
  }

  // A reshape is a view of its input.
  bool makes_fresh_outputs() const override { return false; }
  std::string description() const override { return "LibTorch"; }

 private:
  ops::OpContext context_;
  const ops::Operator& op_;
};

}  // namespace

std::unique_ptr<Kernel> make_generic(const KernelRequest& request) {
  const ops::Operator* op = ops::find_operator(request.node.domain, request.node.op_type);
  if (op == nullptr) {
    throw UnsupportedOp("runtime",
                        fmt::format("node '{}' is a {}{}{}, which is not supported",
                                    request.node.name,
                                    request.node.domain,
                                    request.node.domain.empty() ? "" : ".",
                                    request.node.op_type));
  }
  return std::make_unique<GenericKernel>(request, *op);
}

}  // namespace ompq::runtime

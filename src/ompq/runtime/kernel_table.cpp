#include <array>

#include "ompq/runtime/kernel.h"

namespace ompq::runtime {
namespace {

struct KernelRow {
  std::string_view domain;
  std::string_view op_type;
  std::unique_ptr<Kernel> (*make)(const KernelRequest&);
};

/// Kernels that are faster than LibTorch's.
constexpr std::array kRows{
    KernelRow{"", "Conv", make_convolution},
    KernelRow{"ompq", "FusedConv", make_convolution},
    KernelRow{"", "ConvTranspose", make_transposed_convolution},
    KernelRow{"ompq", "FusedConvTranspose", make_transposed_convolution},
    KernelRow{"", "Gemm", make_gemm},
    KernelRow{"ompq", "FusedGemm", make_gemm},
    KernelRow{"", "MatMul", make_matmul},
    KernelRow{"ompq", "FusedMatMul", make_gemm},
    KernelRow{"", "MaxPool", make_pool},
    KernelRow{"", "AveragePool", make_pool},
    KernelRow{"", "GlobalAveragePool", make_pool},
    KernelRow{"ompq", "FakeQuantize", make_fake_quantize},
    KernelRow{"ompq", "IntegerConv", make_integer_product},
    KernelRow{"ompq", "IntegerGemm", make_integer_product},
    KernelRow{"ompq", "IntegerMatMul", make_integer_product},
    KernelRow{"ompq", "IntegerAdd", make_integer_operator},
    KernelRow{"ompq", "IntegerMul", make_integer_operator},
    KernelRow{"ompq", "IntegerActivationMatMul", make_integer_matmul},
    KernelRow{"ompq", "IntegerGlobalAveragePool", make_integer_pool},
    KernelRow{"ompq", "IntegerAveragePool", make_integer_average_pool},
    KernelRow{"ompq", "IntegerSigmoid", make_integer_sigmoid},
    KernelRow{"ompq", "IntegerSoftmax", make_integer_softmax},
};

}  // namespace

std::unique_ptr<Kernel> make_kernel(const KernelRequest& request, bool plain) {
  if (!plain) {
    for (const KernelRow& row : kRows) {
      if (row.op_type != request.node.op_type || row.domain != request.node.domain) continue;
      if (auto kernel = row.make(request)) return kernel;
    }
  }
  return make_generic(request);
}

}  // namespace ompq::runtime

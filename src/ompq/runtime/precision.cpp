#include "ompq/runtime/precision.h"

#include "ompq/core/error.h"
#include "ompq/runtime/dnnl_support.h"

namespace ompq::runtime {
namespace {

bool runs_isa(dnnl::cpu_isa wanted) {
  const auto have = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto bits = static_cast<unsigned>(wanted);
  return (have & bits) == bits;
}

}  // namespace

bool has_native_bfloat16() { return runs_isa(dnnl::cpu_isa::avx512_core_bf16); }

Precision resolve_precision(Precision asked) {
  if (asked == Precision::Auto) {
    return has_native_bfloat16() ? Precision::BFloat16 : Precision::Float32;
  }
  if (asked == Precision::BFloat16 && !runs_isa(dnnl::cpu_isa::avx512_core)) {
    throw ConfigError("runtime",
                      "bfloat16 needs a processor with AVX-512; use float32 or auto precision");
  }
  return asked;
}

}  // namespace ompq::runtime

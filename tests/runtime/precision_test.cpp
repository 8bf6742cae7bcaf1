#include "ompq/runtime/precision.h"

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/runtime/executor.h"

namespace ompq::runtime {
namespace {

TEST(ResolvePrecision, KeepsFloat32AndResolvesAuto) {
  EXPECT_EQ(resolve_precision(Precision::Float32), Precision::Float32);
  EXPECT_EQ(resolve_precision(Precision::Auto),
            has_native_bfloat16() ? Precision::BFloat16 : Precision::Float32);
}

/// The instructions that oneDNN's emulation needs.
bool has_avx512_core() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

TEST(ResolvePrecision, AllowsBfloat16WithAvx512) {
  if (!has_avx512_core()) GTEST_SKIP() << "this processor has no AVX-512";
  EXPECT_EQ(resolve_precision(Precision::BFloat16), Precision::BFloat16);
}

TEST(ResolvePrecision, RejectsBfloat16WithoutAvx512) {
  if (has_avx512_core()) GTEST_SKIP() << "this processor has AVX-512";
  EXPECT_THROW((void)resolve_precision(Precision::BFloat16), ConfigError);
}

}  // namespace
}  // namespace ompq::runtime

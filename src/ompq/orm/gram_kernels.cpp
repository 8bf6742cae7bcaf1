#include "ompq/orm/gram_kernels.h"

#include <array>

#include "ompq/core/error.h"
#include "ompq/core/half.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define OMPQ_X86_KERNELS 1
// GCC 12 warns about undefined registers in its own intrinsics headers when they are inlined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace ompq::orm {
namespace {

float widen(float value) { return value; }
float widen(std::uint16_t bfloat16) { return bfloat16_to_float(bfloat16); }
double widen(double value) { return value; }

/// Eight running sums per dot product, so that a compiler can keep them in one vector register.
template <typename Element, typename Sum>
void dot_tile_portable(const void* const* a, const void* const* b, std::int64_t cols, double* out) {
  constexpr int kTile = 2;
  constexpr int kLanes = 8;
  for (int r = 0; r < kTile; ++r) {
    for (int c = 0; c < kTile; ++c) {
      const auto* left = static_cast<const Element*>(a[r]);
      const auto* right = static_cast<const Element*>(b[c]);
      std::array<Sum, kLanes> lanes{};
      for (std::int64_t k = 0; k < cols; k += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) {
          lanes[static_cast<std::size_t>(lane)] += widen(left[k + lane]) * widen(right[k + lane]);
        }
      }
      double sum = 0;
      for (const Sum lane : lanes) sum += static_cast<double>(lane);
      out[r * kTile + c] = sum;
    }
  }
}

bool always() { return true; }

#ifdef OMPQ_X86_KERNELS

// Every kernel below reads the columns once and keeps a tile of running sums in registers, so loops
// are unrolled at every optimization level. The target attribute lets one binary contain all
// kernels; `supported` selects one at run time.
#define OMPQ_AVX512 __attribute__((target("avx512f,avx512bw")))
#define OMPQ_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define OMPQ_AVX2 __attribute__((target("avx2,fma")))

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
}
bool has_avx512_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16") != 0; }
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

OMPQ_AVX512 void store_sums(const __m512 (&sums)[4][4], double* out) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      out[r * 4 + c] = static_cast<double>(_mm512_reduce_add_ps(sums[r][c]));
    }
  }
}

OMPQ_AVX512 void dot_tile_avx512_float(const void* const* a,
                                       const void* const* b,
                                       std::int64_t cols,
                                       double* out) {
  __m512 sums[4][4];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < cols; k += 16) {
    __m512 right[4];
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) right[c] = _mm512_loadu_ps(static_cast<const float*>(b[c]) + k);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m512 left = _mm512_loadu_ps(static_cast<const float*>(a[r]) + k);
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) sums[r][c] = _mm512_fmadd_ps(left, right[c], sums[r][c]);
    }
  }
  store_sums(sums, out);
}

OMPQ_AVX512_BF16 void dot_tile_avx512_bf16(const void* const* a,
                                           const void* const* b,
                                           std::int64_t cols,
                                           double* out) {
  __m512 sums[4][4];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < cols; k += 32) {
    __m512bh right[4];
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      right[c] = (__m512bh)_mm512_loadu_si512(static_cast<const std::uint16_t*>(b[c]) + k);
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const auto left = (__m512bh)_mm512_loadu_si512(static_cast<const std::uint16_t*>(a[r]) + k);
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], left, right[c]);
    }
  }
  store_sums(sums, out);
}

// Without a bfloat16 instruction a register of bfloat16 pairs is read as two of float32, odd
// elements by masking and even ones by shifting; the order does not matter for a dot product.
OMPQ_AVX512 void dot_tile_avx512_widened(const void* const* a,
                                         const void* const* b,
                                         std::int64_t cols,
                                         double* out) {
  const __m512i high = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  __m512 sums[4][4];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < cols; k += 32) {
    __m512 odd[4];
    __m512 even[4];
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      const __m512i pairs = _mm512_loadu_si512(static_cast<const std::uint16_t*>(b[c]) + k);
      odd[c] = _mm512_castsi512_ps(_mm512_and_si512(pairs, high));
      even[c] = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m512i pairs = _mm512_loadu_si512(static_cast<const std::uint16_t*>(a[r]) + k);
      const __m512 left_odd = _mm512_castsi512_ps(_mm512_and_si512(pairs, high));
      const __m512 left_even = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        sums[r][c] = _mm512_fmadd_ps(left_odd, odd[c], sums[r][c]);
        sums[r][c] = _mm512_fmadd_ps(left_even, even[c], sums[r][c]);
      }
    }
  }
  store_sums(sums, out);
}

OMPQ_AVX2 float reduce_add(__m256 v) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  sum = _mm_add_ss(sum, _mm_movehdup_ps(sum));
  return _mm_cvtss_f32(sum);
}

OMPQ_AVX2 void store_sums(const __m256 (&sums)[4][2], double* out) {
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < 2; ++c) out[r * 2 + c] = static_cast<double>(reduce_add(sums[r][c]));
  }
}

// 4 x 2: the sums take 8 of the 16 AVX2 registers.
OMPQ_AVX2 void dot_tile_avx2_float(const void* const* a,
                                   const void* const* b,
                                   std::int64_t cols,
                                   double* out) {
  __m256 sums[4][2];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m256& sum : row) sum = _mm256_setzero_ps();
  }
  for (std::int64_t k = 0; k < cols; k += 8) {
    __m256 right[2];
#pragma GCC unroll 4
    for (int c = 0; c < 2; ++c) right[c] = _mm256_loadu_ps(static_cast<const float*>(b[c]) + k);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m256 left = _mm256_loadu_ps(static_cast<const float*>(a[r]) + k);
#pragma GCC unroll 4
      for (int c = 0; c < 2; ++c) sums[r][c] = _mm256_fmadd_ps(left, right[c], sums[r][c]);
    }
  }
  store_sums(sums, out);
}

OMPQ_AVX2 void dot_tile_avx2_widened(const void* const* a,
                                     const void* const* b,
                                     std::int64_t cols,
                                     double* out) {
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
  __m256 sums[4][2];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m256& sum : row) sum = _mm256_setzero_ps();
  }
  for (std::int64_t k = 0; k < cols; k += 16) {
    __m256 odd[2];
    __m256 even[2];
#pragma GCC unroll 4
    for (int c = 0; c < 2; ++c) {
      const __m256i pairs = _mm256_loadu_si256(
          reinterpret_cast<const __m256i*>(static_cast<const std::uint16_t*>(b[c]) + k));
      odd[c] = _mm256_castsi256_ps(_mm256_and_si256(pairs, high));
      even[c] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const __m256i pairs = _mm256_loadu_si256(
          reinterpret_cast<const __m256i*>(static_cast<const std::uint16_t*>(a[r]) + k));
      const __m256 left_odd = _mm256_castsi256_ps(_mm256_and_si256(pairs, high));
      const __m256 left_even = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
#pragma GCC unroll 4
      for (int c = 0; c < 2; ++c) {
        sums[r][c] = _mm256_fmadd_ps(left_odd, odd[c], sums[r][c]);
        sums[r][c] = _mm256_fmadd_ps(left_even, even[c], sums[r][c]);
      }
    }
  }
  store_sums(sums, out);
}

constexpr std::array kKernels{
    GramKernel{"avx512", DataType::Float32, 4, 4, dot_tile_avx512_float, has_avx512},
    GramKernel{"avx2", DataType::Float32, 4, 2, dot_tile_avx2_float, has_avx2},
    GramKernel{"portable", DataType::Float32, 2, 2, dot_tile_portable<float, float>, always},
    GramKernel{"avx512_bf16", DataType::BFloat16, 4, 4, dot_tile_avx512_bf16, has_avx512_bf16},
    GramKernel{"avx512", DataType::BFloat16, 4, 4, dot_tile_avx512_widened, has_avx512},
    GramKernel{"avx2", DataType::BFloat16, 4, 2, dot_tile_avx2_widened, has_avx2},
    GramKernel{
        "portable", DataType::BFloat16, 2, 2, dot_tile_portable<std::uint16_t, float>, always},
    GramKernel{"portable", DataType::Float64, 2, 2, dot_tile_portable<double, double>, always},
};

#else

constexpr std::array kKernels{
    GramKernel{"portable", DataType::Float32, 2, 2, dot_tile_portable<float, float>, always},
    GramKernel{
        "portable", DataType::BFloat16, 2, 2, dot_tile_portable<std::uint16_t, float>, always},
    GramKernel{"portable", DataType::Float64, 2, 2, dot_tile_portable<double, double>, always},
};

#endif

}  // namespace

std::span<const GramKernel> gram_kernels() { return kKernels; }

const GramKernel& best_gram_kernel(DataType type) {
  for (const GramKernel& kernel : kKernels) {
    if (kernel.type == type && kernel.supported()) return kernel;
  }
  throw ShapeError("orm",
                   "a feature of type " + std::string(name_of(type)) +
                       " has no Gram kernel; use float32, bfloat16 or float64");
}

}  // namespace ompq::orm

#ifdef OMPQ_X86_KERNELS
#pragma GCC diagnostic pop
#endif

#pragma once

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/tensor.h"

namespace ompq::testing {

/// Outputs of small_network() by kernels that add in different orders: a logit is a sum of at most
/// kTerms products along its longest path, and each addition rounds by at most 2^-24 of what is
/// there, for which the largest logit stands.
inline void expect_same_sums(const Tensor& got, const Tensor& expected) {
  constexpr float kTerms = 27 + 9 + 4 * 9 + 49 + 16 + 20;  // convolutions, pooling, Gemm, MatMul
  ASSERT_EQ(got.shape(), expected.shape());
  float largest = 0;
  for (const float value : expected.data<float>()) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.data<float>().size(); ++i) {
    EXPECT_NEAR(got.data<float>()[i], expected.data<float>()[i], kTerms * 0x1p-24F * largest)
        << "element " << i;
  }
}

}  // namespace ompq::testing

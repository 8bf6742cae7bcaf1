#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "ompq/core/random.h"

namespace ompq::orm::testing {

inline std::vector<float> random_feature(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(rows * cols));
  for (float& value : values) value = static_cast<float>(random.uniform() - 0.3);
  return values;
}

/// F F^T and F_abs F_abs^T by the definition, in double; the second bounds the rounding errors.
struct Reference {
  std::vector<double> gram;
  std::vector<double> magnitude;
};
inline Reference reference_gram(const std::vector<float>& feature,
                                std::int64_t rows,
                                std::int64_t cols) {
  Reference out{std::vector<double>(static_cast<std::size_t>(rows * rows)),
                std::vector<double>(static_cast<std::size_t>(rows * rows))};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < rows; ++j) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < cols; ++k) {
        const double product =
            static_cast<double>(feature[static_cast<std::size_t>(i * cols + k)]) *
            feature[static_cast<std::size_t>(j * cols + k)];
        sum += product;
        magnitude += std::abs(product);
      }
      out.gram[static_cast<std::size_t>(i * rows + j)] = sum;
      out.magnitude[static_cast<std::size_t>(i * rows + j)] = magnitude;
    }
  }
  return out;
}

}  // namespace ompq::orm::testing

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ompq/orm/gram.h"

namespace ompq::orm {

enum class Estimator {
  Biased,    ///< centred kernel alignment as in the paper; one batch
  Debiased,  ///< HSIC_1, unbiased, may leave [0, 1] slightly; averages over batches
};

/// Pairwise similarities of layer features, 0 = orthogonal, 1 = same.
struct OrthogonalityMatrix {
  std::int64_t layers = 0;
  std::vector<double> values;  ///< layers * layers, row-major, symmetric, unit diagonal
  [[nodiscard]] double at(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * layers + j)];
  }
};

/// Sums up HSIC over batches of samples, one Gram matrix per layer and batch: the mini-batch
/// estimator. Memory: layers * n^2 for the current batch and layers^2 sums, whatever the number of
/// samples. Source: Ma et al. 2023 (ORM); Kornblith et al. 2019 (linear CKA); Nguyen, Raghu,
/// Kornblith 2021 (mini-batch HSIC_1).
class OrmAccumulator {
 public:
  OrmAccumulator(std::vector<std::string> layer_names, Estimator estimator);
  /// Grams of one batch, in layer order, all of the same n (>= 2; >= 4 for Debiased).
  /// @throws ShapeError if n differs or is too small.
  void add_batch(std::span<const GramMatrix> grams);
  /// @throws DataError if no batch was added, or a feature is constant (names the layer).
  [[nodiscard]] OrthogonalityMatrix result() const;
  [[nodiscard]] std::int64_t batches() const { return batches_; }

 private:
  std::vector<std::string> names_;
  Estimator estimator_;
  std::vector<double> hsic_;  // layers * layers sums
  std::int64_t batches_ = 0;
};

struct Importance {
  std::vector<double> gamma;         ///< gamma_i = sum over j != i of ORM_ij
  std::vector<double> theta;         ///< exp(-beta gamma_i)
  std::vector<double> coefficients;  ///< c_i = mean over j >= i of theta_j
};

/// Source: Ma et al. 2023; the suffix mean is what the reference's program maximizes.
[[nodiscard]] Importance importance(const OrthogonalityMatrix& orm, double beta);

}  // namespace ompq::orm

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ompq/orm/gram.h"

namespace ompq::orm {

enum class Estimator {
  Biased,    ///< centred kernel alignment as in the paper: H G H for both matrices
  Debiased,  ///< unbiased HSIC_1, may leave [0, 1] slightly; use it to average over batches
};

/// Pairwise similarities of layer features: 0 = orthogonal, 1 = equal up to scale.
struct OrthogonalityMatrix {
  std::int64_t layers = 0;
  std::vector<double> values;  ///< layers * layers, row-major, symmetric, unit diagonal
  [[nodiscard]] double at(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * layers + j)];
  }
};

/// Averages HSIC over batches of samples, one Gram matrix per layer and batch: the mini-batch
/// estimator. Batches are weighted by their number of samples, so that a short last batch does not
/// count too much. Memory: layers * n^2 for the current batch and layers^2 sums, independent of the
/// total number of samples. Source: Ma et al. 2023 (ORM); Kornblith et al. 2019 (linear CKA);
/// Nguyen, Raghu, Kornblith 2021 (mini-batch HSIC_1).
class OrmAccumulator {
 public:
  OrmAccumulator(std::vector<std::string> layer_names, Estimator estimator);
  /// Adds the Gram matrices of one batch, in layer order, all with the same n (>= 2; >= 4 for
  /// Debiased). n may differ between batches.
  /// @throws ShapeError if n differs or is too small, or the number of layers changes; DataError if
  /// a feature is constant over the batch (names the layer).
  void add_batch(std::span<const GramMatrix> grams);
  /// @throws DataError if no batch was added.
  [[nodiscard]] OrthogonalityMatrix result() const;
  [[nodiscard]] std::int64_t batches() const { return batches_; }

 private:
  std::vector<std::string> names_;
  Estimator estimator_;
  std::vector<double> hsic_;  // layers * layers weighted sums
  std::int64_t batches_ = 0;
};

/// The ORM of one batch.
/// @throws as OrmAccumulator::add_batch.
[[nodiscard]] OrthogonalityMatrix compute_orm(std::span<const GramMatrix> grams,
                                              const std::vector<std::string>& layer_names,
                                              Estimator estimator = Estimator::Biased);

struct Importance {
  std::vector<double> gamma;         ///< gamma_i = sum over j != i of ORM_ij
  std::vector<double> theta;         ///< exp(-beta gamma_i)
  std::vector<double> coefficients;  ///< c_i = mean over j >= i of theta_j
};

/// The coefficients of the linear program's objective. With a large beta, theta underflows to 0 and
/// the objective is 0.
/// Source: Ma et al. 2023; the suffix mean is from the reference implementation.
[[nodiscard]] Importance importance(const OrthogonalityMatrix& orm, double beta);

}  // namespace ompq::orm

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ompq/orm/gram.h"

namespace ompq::orm {

enum class Estimator {
  Biased,    ///< centred kernel alignment as in the paper (H G H on both sides)
  Debiased,  ///< HSIC_1, unbiased, may leave [0, 1] slightly; what averages over batches
};

/// Pairwise similarities of layer features, 0 = orthogonal, 1 = same.
struct OrthogonalityMatrix {
  std::int64_t layers = 0;
  std::vector<double> values;  ///< layers * layers, row-major, symmetric, unit diagonal
  [[nodiscard]] double at(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * layers + j)];
  }
};

/// Averages HSIC over batches of samples, one Gram matrix per layer and batch: the mini-batch
/// estimator. A batch weighs as many as it has samples, so that a short last batch is not heard
/// more than the others. Memory: layers * n^2 for the current batch and layers^2 sums, whatever
/// the number of samples. Source: Ma et al. 2023 (ORM); Kornblith et al. 2019 (linear CKA);
/// Nguyen, Raghu, Kornblith 2021 (mini-batch HSIC_1).
class OrmAccumulator {
 public:
  OrmAccumulator(std::vector<std::string> layer_names, Estimator estimator);
  /// Grams of one batch, in layer order, all of the same n (>= 2; >= 4 for Debiased). Batches may
  /// differ in n.
  /// @throws ShapeError if n differs or is too small, or the number of layers is another one;
  /// DataError if a feature is constant over the batch (names the layer).
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

/// What the linear program maximizes. With a large beta theta underflows to 0: the program then
/// has no objective left.
/// Source: Ma et al. 2023; the suffix mean is what the reference's program maximizes.
[[nodiscard]] Importance importance(const OrthogonalityMatrix& orm, double beta);

}  // namespace ompq::orm

#include "ompq/orm/orm.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::orm {
namespace {

/// Centring a constant feature leaves only rounding errors. float32 has 24 bits, so a centred norm
/// below this share of the uncentred one counts as zero.
constexpr double kConstantShare = 1e-7;

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

double inner_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> row_sums(const GramMatrix& gram) {
  const auto n = static_cast<std::size_t>(gram.n);
  std::vector<double> sums(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) sums[i] += gram.values[i * n + j];
  }
  return sums;
}

double total(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

/// H G H / (n - 1), so that the inner product of two is the biased HSIC.
std::vector<double> centred(const GramMatrix& gram) {
  const auto n = static_cast<std::size_t>(gram.n);
  const std::vector<double> rows = row_sums(gram);
  const auto count = static_cast<double>(n);
  const double mean = total(rows) / (count * count);
  std::vector<double> out(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double value = gram.values[i * n + j] - (rows[i] + rows[j]) / count + mean;
      out[i * n + j] = value / (count - 1);
    }
  }
  return out;
}

/// U-centring: the diagonal is taken as zero and stays zero. Divided by sqrt(n (n - 3)), so that
/// the inner product of two is HSIC_1. Source: Song et al. 2012; Szekely and Rizzo 2014.
std::vector<double> u_centred(GramMatrix gram) {
  const auto n = static_cast<std::size_t>(gram.n);
  for (std::size_t i = 0; i < n; ++i) gram.values[i * n + i] = 0;
  const std::vector<double> rows = row_sums(gram);
  const auto count = static_cast<double>(n);
  const double mean = total(rows) / ((count - 1) * (count - 2));
  const double scale = 1.0 / std::sqrt(count * (count - 3));
  std::vector<double> out(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double value = gram.values[i * n + j] - (rows[i] + rows[j]) / (count - 2) + mean;
      out[i * n + j] = value * scale;
    }
  }
  return out;
}

void require_batch(std::span<const GramMatrix> grams,
                   const std::vector<std::string>& names,
                   Estimator estimator) {
  if (grams.size() != names.size()) {
    throw ShapeError(
        "orm",
        fmt::format("a batch has {} Gram matrices for {} layers", grams.size(), names.size()));
  }
  const std::int64_t min = estimator == Estimator::Debiased ? 4 : 2;
  for (std::size_t l = 0; l < grams.size(); ++l) {
    const std::int64_t n = grams[l].n;
    if (n < min) {
      throw ShapeError("orm",
                       fmt::format("a batch of {} sample(s) is too small: the {} estimator needs "
                                   "at least {}; give more samples",
                                   n,
                                   estimator == Estimator::Debiased ? "debiased" : "biased",
                                   min));
    }
    if (n != grams.front().n || grams[l].values.size() != static_cast<std::size_t>(n * n)) {
      throw ShapeError("orm",
                       fmt::format("layer '{}' has a Gram matrix of {} samples ({} values), layer "
                                   "'{}' one of {}; all layers need the same samples",
                                   names[l],
                                   n,
                                   grams[l].values.size(),
                                   names.front(),
                                   grams.front().n));
    }
  }
}

/// The centred Gram matrix of one layer, checked.
std::vector<double> centre(const GramMatrix& gram, Estimator estimator, const std::string& name) {
  std::vector<double> out = estimator == Estimator::Debiased ? u_centred(gram) : centred(gram);
  const double uncentred = norm(gram.values) / static_cast<double>(gram.n - 1);
  const double left = norm(out);
  if (!std::isfinite(left)) {
    throw DataError("orm", fmt::format("the Gram matrix of layer '{}' is not finite", name));
  }
  if (left <= kConstantShare * uncentred) {
    throw DataError("orm",
                    fmt::format("the feature of layer '{}' is constant over the {} samples: its "
                                "Gram matrix has norm {:.3g} and {:.3g} after centring; give "
                                "different samples, or exclude the layer",
                                name,
                                gram.n,
                                uncentred,
                                left));
  }
  return out;
}

}  // namespace

OrmAccumulator::OrmAccumulator(std::vector<std::string> layer_names, Estimator estimator)
    : names_(std::move(layer_names)),
      estimator_(estimator),
      hsic_(names_.size() * names_.size(), 0.0) {}

void OrmAccumulator::add_batch(std::span<const GramMatrix> grams) {
  require_batch(grams, names_, estimator_);
  const std::size_t layers = grams.size();
  std::vector<std::vector<double>> kernels(layers);
  for (std::size_t l = 0; l < layers; ++l) kernels[l] = centre(grams[l], estimator_, names_[l]);
  const double weight = layers == 0 ? 0.0 : static_cast<double>(grams.front().n);
#pragma omp parallel for schedule(dynamic, 4) if (layers > 32)
  for (std::size_t i = 0; i < layers; ++i) {
    for (std::size_t j = i; j < layers; ++j) {
      hsic_[i * layers + j] += weight * inner_product(kernels[i], kernels[j]);
    }
  }
  ++batches_;
}

OrthogonalityMatrix OrmAccumulator::result() const {
  if (batches_ == 0) throw DataError("orm", "no samples were given; give at least 2");
  const std::size_t layers = names_.size();
  OrthogonalityMatrix orm{static_cast<std::int64_t>(layers),
                          std::vector<double>(layers * layers, 1.0)};
  for (std::size_t i = 0; i < layers; ++i) {
    for (std::size_t j = i + 1; j < layers; ++j) {
      const double selves = hsic_[i * layers + i] * hsic_[j * layers + j];
      const double similarity = hsic_[i * layers + j] / std::sqrt(selves);
      orm.values[i * layers + j] = similarity;
      orm.values[j * layers + i] = similarity;
    }
  }
  return orm;
}

OrthogonalityMatrix compute_orm(std::span<const GramMatrix> grams,
                                const std::vector<std::string>& layer_names,
                                Estimator estimator) {
  OrmAccumulator accumulator(layer_names, estimator);
  accumulator.add_batch(grams);
  return accumulator.result();
}

Importance importance(const OrthogonalityMatrix& orm, double beta) {
  const auto layers = static_cast<std::size_t>(orm.layers);
  Importance out{std::vector<double>(layers, 0.0),
                 std::vector<double>(layers, 0.0),
                 std::vector<double>(layers, 0.0)};
  double suffix = 0;
  for (std::size_t i = layers; i-- > 0;) {
    for (std::size_t j = 0; j < layers; ++j) {
      if (j != i) out.gamma[i] += orm.values[i * layers + j];
    }
    out.theta[i] = std::exp(-beta * out.gamma[i]);
    suffix += out.theta[i];
    out.coefficients[i] = suffix / static_cast<double>(layers - i);
  }
  return out;
}

}  // namespace ompq::orm

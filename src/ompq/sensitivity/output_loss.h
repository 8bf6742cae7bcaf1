#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::sensitivity {

/// How far the network's outputs are from those of the float network, for any number of cells: what
/// Metric::output_loss makes. For each batch it is shown the float outputs, then those of cells.
class OutputLoss {
 public:
  OutputLoss() = default;
  OutputLoss(const OutputLoss&) = delete;
  OutputLoss& operator=(const OutputLoss&) = delete;
  virtual ~OutputLoss() = default;

  virtual void see_float(const std::vector<Tensor>& outputs) = 0;
  virtual void see(std::size_t cell, const std::vector<Tensor>& outputs) = 0;
  /// One value a cell. @throws DataError if nothing was seen.
  [[nodiscard]] virtual std::vector<double> result() const = 0;
};

/// By RelativeError, Divergence or another class with these three functions.
template <typename Definition>
class OutputLossBy final : public OutputLoss {
 public:
  explicit OutputLossBy(Definition definition) : definition_(std::move(definition)) {}
  void see_float(const std::vector<Tensor>& outputs) override { definition_.see_float(outputs); }
  void see(std::size_t cell, const std::vector<Tensor>& outputs) override {
    definition_.see(cell, outputs);
  }
  [[nodiscard]] std::vector<double> result() const override { return definition_.result(); }

 private:
  Definition definition_;
};

}  // namespace ompq::sensitivity

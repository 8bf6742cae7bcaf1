#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ompq/allocation/decision_model.h"

namespace ompq::allocation {

/// A choice with incrementally updated costs and value, including couplings. The model and the
/// couplings must outlive it.
class DecisionWalk {
 public:
  /// @param couplings  of values, in addition to the model's couplings of costs.
  DecisionWalk(const DecisionModel& model,
               std::span<const Coupling> couplings,
               DecisionChoice choice);

  [[nodiscard]] const DecisionModel& model() const { return model_; }
  [[nodiscard]] const DecisionChoice& choice() const { return choice_; }
  [[nodiscard]] const std::vector<std::int64_t>& costs() const { return costs_; }
  [[nodiscard]] bool fits() const { return allocation::fits(model_, costs_); }
  /// Sum over constraints of the excess over the limit, relative to the limit.
  [[nodiscard]] double excess() const;
  /// Sum of values, including couplings.
  [[nodiscard]] double value() const;
  /// The change of `value` if the decision changes to `width`.
  [[nodiscard]] double gain(std::size_t decision, std::size_t width) const;
  void change(std::size_t decision, std::size_t width);

 private:
  [[nodiscard]] std::size_t entry(const Coupling& coupling,
                                  std::size_t decision,
                                  std::size_t width) const;

  const DecisionModel& model_;
  std::vector<std::vector<const Coupling*>> couplings_;  ///< [decision]
  DecisionChoice choice_;
  std::vector<std::int64_t> costs_;
};

}  // namespace ompq::allocation

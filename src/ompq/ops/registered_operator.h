#pragma once

#include <optional>

#include "ompq/core/row_table.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {

/// An operator of one's own, known to everything in ompq while this lives: its execution in
/// operator_table() and its traits, if it has any, in graph::operator_traits(). No other thread may
/// use ompq while it comes or goes, and what was made from a network with it must go first.
class RegisteredOperator {
 public:
  explicit RegisteredOperator(const Operator& row);
  RegisteredOperator(const Operator& row, graph::OperatorTraits traits);

 private:
  ScopedRow<Operator> row_;
  std::optional<ScopedRow<graph::OperatorTraits>> traits_;
};

}  // namespace ompq::ops

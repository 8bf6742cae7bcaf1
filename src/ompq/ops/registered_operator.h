#pragma once

#include <optional>

#include "ompq/core/row_table.h"
#include "ompq/graph/operator_traits.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {

/// Registers a custom operator for its lifetime: its execution in operator_table() and its traits,
/// if any, in graph::operator_traits(). No other thread may use ompq during registration and
/// removal, and objects made from a network with it must be destroyed first.
class RegisteredOperator {
 public:
  explicit RegisteredOperator(const Operator& row);
  RegisteredOperator(const Operator& row, graph::OperatorTraits traits);

 private:
  ScopedRow<Operator> row_;
  std::optional<ScopedRow<graph::OperatorTraits>> traits_;
};

}  // namespace ompq::ops

#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/ops/operator.h"
#include "ops/op_case.h"

namespace ompq::testing {

/// A case made ready: its node over values 0, 1, ... (kNoValue where an input is left out).
struct PreparedCase {
  explicit PreparedCase(const OpCase& op_case);

  const OpCase& source;
  const ops::Operator* op;  ///< its row; nullptr if there is none
  graph::Node node;

  [[nodiscard]] ops::OpContext context() const { return {node, source.opset}; }
  /// What the shape rule sees. With `open_batch`, axis 0 of every data input is a multiple of N.
  [[nodiscard]] std::vector<ops::InputFacts> facts(bool open_batch) const;
  [[nodiscard]] std::vector<at::Tensor> tensors() const;
};

/// The case as a network of one node, its data inputs "x0", "x1", ... and outputs "y0", ....
[[nodiscard]] graph::Graph as_graph(const OpCase& op_case);

/// Runs the case as the table says.
[[nodiscard]] std::vector<Tensor> run_case(const OpCase& op_case);

/// Largest |got - expected| and where; infinite if types or shapes differ or NaN meets a number.
struct Distance {
  double largest = 0.0;  ///< relative to the largest |expected|, at least 1
  std::string where;     ///< "element 7: got 0.5, expected 0.25"
};
[[nodiscard]] Distance distance(const Tensor& got, const Tensor& expected);

}  // namespace ompq::testing

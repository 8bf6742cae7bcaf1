#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::testing {

/// An input of a case: data, a constant, or nothing.
struct CaseInput {
  Tensor tensor;
  bool present = true;
  bool constant = false;
};

/// One use of one operator, small enough to be compared in many ways: with its own shape rule, with
/// ONNX Runtime, in bfloat16, and with finite differences.
struct OpCase {
  std::string op_type;
  int opset = 13;
  std::string title;  ///< unique among the operator's cases
  std::map<std::string, graph::Attribute> attributes;
  std::vector<CaseInput> inputs;
  std::size_t outputs = 1;
  double tolerance = 1e-5;  ///< of what ONNX Runtime says, relative to its largest element
  bool open_batch = true;   ///< axis 0 of the data inputs may be N
  bool smooth = true;       ///< has a gradient that finite differences can see
  std::string unjudged;     ///< why ONNX Runtime cannot be asked; empty if it can
  std::string domain;

  [[nodiscard]] std::string name() const { return op_type + ": " + title; }
  /// Changed copies, for the few cases that are special.
  [[nodiscard]] OpCase with_outputs(std::size_t count) const;
  [[nodiscard]] OpCase with_tolerance(double bound) const;
  [[nodiscard]] OpCase fixed_batch() const;
  [[nodiscard]] OpCase not_smooth() const;
  [[nodiscard]] OpCase not_judged(std::string why) const;
  [[nodiscard]] OpCase of_microsoft() const;
};

/// How GoogleTest shows a case.
inline void PrintTo(const OpCase& op_case, std::ostream* stream) { *stream << op_case.name(); }

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

/// Seeded normal numbers, different for each `seed`.
[[nodiscard]] Tensor normal(const Ints& shape, std::uint64_t seed = 1);
/// Seeded numbers in [low, high).
[[nodiscard]] Tensor uniform(const Ints& shape, float low, float high, std::uint64_t seed = 1);
/// low, low + 1, ... repeated up to high, as `type`.
[[nodiscard]] Tensor counting(DataType type,
                              const Ints& shape,
                              std::int64_t low,
                              std::int64_t high);

[[nodiscard]] inline CaseInput data(Tensor tensor) { return {std::move(tensor), true, false}; }
[[nodiscard]] inline CaseInput constant(Tensor tensor) { return {std::move(tensor), true, true}; }
[[nodiscard]] CaseInput constant_ints(const Ints& values);
[[nodiscard]] CaseInput constant_floats(const Floats& values);
[[nodiscard]] inline CaseInput absent() { return {Tensor(), false, false}; }

using OpCases = std::vector<OpCase>;

/// Every case, family by family.
[[nodiscard]] const OpCases& all_cases();

[[nodiscard]] OpCases activation_cases();
[[nodiscard]] OpCases arithmetic_cases();
[[nodiscard]] OpCases attention_cases();
[[nodiscard]] OpCases control_flow_cases();
[[nodiscard]] OpCases convolution_cases();
[[nodiscard]] OpCases fused_cases();
[[nodiscard]] OpCases integer_cases();
[[nodiscard]] OpCases matrix_cases();
[[nodiscard]] OpCases movement_cases();
[[nodiscard]] OpCases normalization_cases();
[[nodiscard]] OpCases padding_cases();
[[nodiscard]] OpCases pooling_cases();
[[nodiscard]] OpCases quantization_cases();
[[nodiscard]] OpCases recurrent_cases();
[[nodiscard]] OpCases reduction_cases();
[[nodiscard]] OpCases resize_cases();
[[nodiscard]] OpCases sequence_cases();

}  // namespace ompq::testing

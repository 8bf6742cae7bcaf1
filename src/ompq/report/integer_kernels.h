#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/fields/declare.h"

namespace ompq::report {

/// Operators of one type that stay float between integer layers.
struct FloatOperators {
  std::string op_type;
  std::vector<std::string> nodes;
};

template <typename Visitor, fields::Of<FloatOperators> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("FloatOperators", "Operators of one type that stay float between integer layers.");
  v("op_type", s.op_type, "operator type of the ONNX nodes");
  v("nodes", s.nodes, "names of the nodes");
}

/// Which layers of a file run on integer kernels.
struct IntegerKernels {
  std::int64_t layers = 0;
  std::int64_t integer_layers = 0;
  std::vector<std::string> float_layers;
  std::vector<FloatOperators> float_operators;
};

template <typename Visitor, fields::Of<IntegerKernels> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("IntegerKernels", "Which layers of the file run on integer kernels.");
  v("layers", s.layers, "layers with a float input", fields::kCount);
  v("integer_layers", s.integer_layers, "those that run on integers", fields::kCount);
  v("float_layers", s.float_layers, "names of the others");
  v("float_operators",
    s.float_operators,
    "operators between integer layers that stay float, the most frequent type first");
}

}  // namespace ompq::report

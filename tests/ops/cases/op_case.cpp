#include "ops/op_case.h"

#include <cmath>

#include "ompq/core/random.h"

namespace ompq::testing {

OpCase OpCase::with_outputs(std::size_t count) const {
  OpCase changed = *this;
  changed.outputs = count;
  return changed;
}

OpCase OpCase::with_tolerance(double bound) const {
  OpCase changed = *this;
  changed.tolerance = bound;
  return changed;
}

OpCase OpCase::fixed_batch() const {
  OpCase changed = *this;
  changed.open_batch = false;
  return changed;
}

OpCase OpCase::not_smooth() const {
  OpCase changed = *this;
  changed.smooth = false;
  return changed;
}

OpCase OpCase::not_judged(std::string why) const {
  OpCase changed = *this;
  changed.unjudged = std::move(why);
  return changed;
}

OpCase OpCase::of_microsoft() const {
  OpCase changed = *this;
  changed.domain = "com.microsoft";
  return changed;
}

Tensor normal(const Ints& shape, std::uint64_t seed) {
  Random random(seed);
  Tensor tensor(DataType::Float32, shape);
  for (float& element : tensor.mutable_data<float>()) {
    element = static_cast<float>(random.normal());
  }
  return tensor;
}

Tensor uniform(const Ints& shape, float low, float high, std::uint64_t seed) {
  Random random(seed);
  Tensor tensor(DataType::Float32, shape);
  for (float& element : tensor.mutable_data<float>()) {
    element = low + (high - low) * static_cast<float>(random.uniform());
  }
  return tensor;
}

Tensor counting(DataType type, const Ints& shape, std::int64_t low, std::int64_t high) {
  Tensor tensor(DataType::Int64, shape);
  std::int64_t next = low;
  for (std::int64_t& element : tensor.mutable_data<std::int64_t>()) {
    element = next;
    next = next == high ? low : next + 1;
  }
  return tensor.converted_to(type);
}

CaseInput constant_ints(const Ints& values) {
  return constant(Tensor::from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values));
}

CaseInput constant_floats(const Floats& values) {
  return constant(Tensor::from<float>({static_cast<std::int64_t>(values.size())}, values));
}

const OpCases& all_cases() {
  static const OpCases kCases = [] {
    OpCases all;
    for (const OpCases& family : {activation_cases(),
                                  arithmetic_cases(),
                                  attention_cases(),
                                  control_flow_cases(),
                                  convolution_cases(),
                                  fused_cases(),
                                  integer_cases(),
                                  matrix_cases(),
                                  movement_cases(),
                                  normalization_cases(),
                                  padding_cases(),
                                  pooling_cases(),
                                  quantization_cases(),
                                  recurrent_cases(),
                                  reduction_cases(),
                                  resize_cases(),
                                  sequence_cases()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return kCases;
}

}  // namespace ompq::testing

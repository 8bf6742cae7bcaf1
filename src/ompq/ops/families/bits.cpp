#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

UnsupportedReason needs_integers(const OpContext&, Facts inputs) {
  for (const InputFacts& input : inputs) {
    if (input.known && !is_integer(input.type)) {
      return fmt::format("works on integers, its input is {}", name_of(input.type));
    }
  }
  return std::nullopt;
}

OutputList infer_bits(const OpContext& context, Facts inputs) {
  return {output(inputs[0].type, broadcast_all(context, inputs))};
}

/// LibTorch stores uint16 and uint32 in wider integers, so a left shift would not drop the
/// overflow.
UnsupportedReason check_shift(const OpContext& context, Facts inputs) {
  const std::string direction = context.node.string_attribute("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    return fmt::format("direction '{}' is unknown", direction);
  }
  const InputFacts& first = fact(inputs, 0);
  if (direction == "LEFT" && first.known && first.type != DataType::UInt8) {
    return fmt::format("shifts {} to the left; only uint8 is supported", name_of(first.type));
  }
  return needs_integers(context, inputs);
}

Outputs run_shift(const OpContext& context, Inputs inputs) {
  const bool left = context.node.string_attribute("direction", "") == "LEFT";
  return {left ? at::bitwise_left_shift(inputs[0], inputs[1])
               : at::bitwise_right_shift(inputs[0], inputs[1])};
}

UnsupportedReason check_mod(const OpContext& context, Facts inputs) {
  const InputFacts& first = fact(inputs, 0);
  if (context.node.int_attribute("fmod", 0) == 0 && first.known && is_float(first.type)) {
    return "fmod = 0 needs integers";
  }
  return std::nullopt;
}

OutputList infer_mod(const OpContext& context, Facts inputs) {
  Shape shape = broadcast(context, inputs[0].shape, inputs[1].shape);
  Elements elements;
  if (context.node.int_attribute("fmod", 0) == 0) {
    elements = combine(inputs[0], inputs[1], shape, modulo);
  }
  return {output(inputs[0].type, std::move(shape), std::move(elements))};
}

Outputs run_mod(const OpContext& context, Inputs inputs) {
  const bool sign_of_dividend = context.node.int_attribute("fmod", 0) != 0;
  return {sign_of_dividend ? at::fmod(inputs[0], inputs[1]) : at::remainder(inputs[0], inputs[1])};
}

at::Tensor and_tensors(const at::Tensor& a, const at::Tensor& b) { return at::bitwise_and(a, b); }
at::Tensor or_tensors(const at::Tensor& a, const at::Tensor& b) { return at::bitwise_or(a, b); }
at::Tensor xor_tensors(const at::Tensor& a, const at::Tensor& b) { return at::bitwise_xor(a, b); }

}  // namespace

std::span<const Operator> bit_operators() {
  static constexpr Operator kRows[] = {
      {"BitShift", "", 11, 2, 1, check_shift, infer_bits, run_shift},
      {"BitwiseAnd", "", 18, 2, 1, needs_integers, infer_bits, binary<and_tensors>},
      {"BitwiseOr", "", 18, 2, 1, needs_integers, infer_bits, binary<or_tensors>},
      {"BitwiseXor", "", 18, 2, 1, needs_integers, infer_bits, binary<xor_tensors>},
      {"BitwiseNot", "", 18, 1, 1, needs_integers, infer_bits, unary<at::bitwise_not>},
      {"Mod", "", 10, 2, 1, check_mod, infer_mod, run_mod},
  };
  return kRows;
}

}  // namespace ompq::ops

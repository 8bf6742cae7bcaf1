#include "ompq/reconstruction/state_check.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"

namespace ompq::reconstruction {
namespace {

[[noreturn]] void refuse_state(const std::string& reason) { throw DataError("state", reason); }

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

/// A method chooses ranges near the initial ones: a scale far beyond them is not its result, and
/// would overflow later.
bool is_scale(float value, float initial) {
  constexpr float kMostGrowth = 1024.0F;
  return std::isfinite(value) && value > 0.0F && value / kMostGrowth <= initial;
}

/// Same quantizer up to its scales and zero points.
bool same_form(const quant::QuantizedTensor& a, const quant::QuantizedTensor& b) {
  return a.params.bits == b.params.bits && a.params.symmetry == b.params.symmetry &&
         a.params.granularity == b.params.granularity && a.shape == b.shape &&
         a.codes.size() == b.codes.size() && a.params.scale.size() == b.params.scale.size() &&
         a.params.zero_point.size() == b.params.zero_point.size();
}

void check_codes(const std::string& name,
                 const quant::QuantizedTensor& codes,
                 const rounding::NetworkCodes& initial) {
  const auto expected = initial.weights.find(name);
  if (expected == initial.weights.end()) {
    refuse_state(fmt::format("it has codes for '{}', which is not a quantized weight", name));
  }
  if (!same_form(codes, expected->second)) {
    refuse_state(fmt::format("its codes for '{}' have another shape or width", name));
  }
  const int levels = codes.params.bits.levels();
  const quant::ZeroPointRange zero_points =
      quant::zero_points_of(codes.params.bits, codes.params.symmetry);
  const bool in_range =
      std::ranges::all_of(codes.codes, [&](std::uint8_t code) { return code < levels; }) &&
      std::ranges::all_of(codes.params.zero_point,
                          [&](std::int32_t zero) { return zero_points.has(zero); }) &&
      std::ranges::all_of(codes.params.scale, [&](float scale) {
        return is_scale(scale, std::ranges::max(expected->second.params.scale));
      });
  if (!in_range) refuse_state(fmt::format("its codes or scales for '{}' are out of range", name));
}

void check_step(const std::string& name,
                float step,
                const graph::Graph& graph,
                const rounding::NetworkCodes& initial) {
  const graph::ValueId id = graph.find_value(name);
  if (id == graph::kNoValue || !initial.activations.contains(id)) {
    refuse_state(fmt::format("it has a scale for '{}', which is not quantized", name));
  }
  if (!is_scale(step, std::ranges::max(initial.activations.at(id).scale))) {
    refuse_state(fmt::format("its scale for '{}' is {}", name, step));
  }
}

void check_bias(const std::string& name,
                const std::vector<float>& bias,
                const graph::Graph& graph) {
  const graph::ValueId id = graph.find_value(name);
  const bool constant = id != graph::kNoValue && graph.value(id).constant.has_value();
  if (!constant || graph.value(id).constant->elements() != static_cast<std::int64_t>(bias.size()) ||
      graph.value(id).constant->type() != DataType::Float32) {
    refuse_state(fmt::format(
        "it has {} biases for '{}', which has another size or no constants", bias.size(), name));
  }
  if (!all_finite(bias)) refuse_state(fmt::format("its biases for '{}' are not finite", name));
}

void check_parts(const BlockState& state,
                 const graph::Graph& graph,
                 const rounding::NetworkCodes& initial) {
  for (const auto& [name, codes] : state.codes) check_codes(name, codes, initial);
  for (const auto& [name, step] : state.steps) check_step(name, step, graph, initial);
  for (const auto& [name, bias] : state.biases) check_bias(name, bias, graph);
}

}  // namespace

void check_state(const BlockState& state,
                 const std::string& name,
                 const graph::Graph& graph,
                 const rounding::NetworkCodes& initial) {
  if (state.name != name) {
    refuse_state(fmt::format("it is of block '{}', not of '{}'", state.name, name));
  }
  check_parts(state, graph, initial);
  const BlockReport& report = state.report;
  const bool numbers = !std::isnan(report.snr_before_db) && !std::isnan(report.snr_after_db) &&
                       std::isfinite(report.loss_before) && std::isfinite(report.loss_after) &&
                       std::isfinite(report.seconds) && report.seconds >= 0.0 &&
                       report.iterations >= 0;
  if (!numbers) refuse_state(fmt::format("the results of block '{}' are not numbers", name));
}

void check_state(const DistillationState& state,
                 std::int64_t epochs,
                 const graph::Graph& graph,
                 const rounding::NetworkCodes& initial) {
  if (state.epochs != epochs) {
    refuse_state(fmt::format("it is of epoch {}, not of {}", state.epochs, epochs));
  }
  const bool numbers = state.best_epoch >= 0 && state.best_epoch <= epochs && state.steps >= 0 &&
                       std::isfinite(state.loss_before) && std::isfinite(state.loss_best) &&
                       std::isfinite(state.seconds) && state.seconds >= 0.0;
  if (!numbers) refuse_state(fmt::format("the results of epoch {} are not numbers", epochs));
  check_parts(state.best, graph, initial);
  for (const auto& [name, values] : state.numbers) {
    if (!all_finite(values)) refuse_state(fmt::format("'{}' is not finite", name));
    const bool square = name.ends_with(" second");  // a mean of squares
    if (square && std::ranges::any_of(values, [](float value) { return value < 0.0F; })) {
      refuse_state(fmt::format("'{}' is negative", name));
    }
  }
}

}  // namespace ompq::reconstruction

#include "ompq/onnx_io/packed_weight.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"
#include "ompq/quant/option_names.h"

namespace ompq::onnx_io {
namespace {

using quant::Granularity;
using quant::QuantizedTensor;
using quant::QuantParams;

std::int64_t checked_count(const std::vector<std::int64_t>& shape, const std::string& name) {
  const std::int64_t count = element_count(shape);
  if (count == 0) throw ConfigError("export", fmt::format("weight '{}' is empty", name));
  return count;
}

/// The shape with which per-slice parameters broadcast: the extents of a stack's axes, ones up to
/// the weight's axis, its extent, then ones.
std::vector<std::int64_t> scale_shape(const Granularity& granularity,
                                      const std::vector<std::int64_t>& shape,
                                      const std::string& name) {
  if (!granularity.per_axis) return {};
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (granularity.axis < 0 || granularity.axis >= rank) {
    throw ConfigError(
        "export",
        fmt::format(
            "weight '{}' of shape {} is to be quantized along axis {}, which it does not have",
            name,
            shape_text(shape),
            granularity.axis));
  }
  const std::int64_t first = granularity.stacked > 0 ? 0 : granularity.axis;
  std::vector<std::int64_t> result;
  for (std::int64_t d = first; d < rank; ++d) {
    const bool counts = d < granularity.stacked || d == granularity.axis;
    result.push_back(counts ? shape[static_cast<std::size_t>(d)] : 1);
  }
  return result;
}

void check(const QuantizedTensor& weight, std::int64_t scales, const std::string& name) {
  const QuantParams& params = weight.params;
  const std::int64_t count = checked_count(weight.shape, name);
  const auto need = [&](std::size_t got, std::int64_t needed, std::string_view what) {
    if (static_cast<std::int64_t>(got) == needed) return;
    throw ConfigError("export",
                      fmt::format("weight '{}' of shape {} has {} {}, but needs {}",
                                  name,
                                  shape_text(weight.shape),
                                  got,
                                  what,
                                  needed));
  };
  need(weight.codes.size(), count, "codes");
  need(params.scale.size(), scales, "scales");
  need(params.zero_point.size(), scales, "zero points");
  const auto code = std::max_element(weight.codes.begin(), weight.codes.end());
  if (*code >= params.bits.levels()) {
    throw ConfigError(
        "export",
        fmt::format("weight '{}' has code {} at index {}, which does not fit its {} bits",
                    name,
                    *code,
                    code - weight.codes.begin(),
                    params.bits.value()));
  }
  const quant::ZeroPointRange range = quant::zero_points_of(params.bits, params.symmetry);
  const int middle = params.bits.levels() / 2;
  for (const std::int32_t zero_point : params.zero_point) {
    const bool symmetric = params.symmetry == quant::Symmetry::Symmetric;
    if (range.has(zero_point) && (!symmetric || zero_point == middle)) continue;
    throw ConfigError("export",
                      fmt::format("weight '{}' has zero point {}; {} bits {} allow {}",
                                  name,
                                  zero_point,
                                  params.bits.value(),
                                  enum_name(params.symmetry),
                                  symmetric ? fmt::format("only {}", middle)
                                            : fmt::format("{}..{}", range.least, range.most)));
  }
}

/// code - 2^(b-1) in two's complement is the code with its top bit flipped.
std::vector<std::uint8_t> signed_codes(std::vector<std::uint8_t> codes, BitWidth bits) {
  const auto top_bit = static_cast<std::uint8_t>(1U << (bits.value() - 1));
  for (std::uint8_t& code : codes) code ^= top_bit;
  return codes;
}

std::vector<std::uint8_t> signed_zero_points(const QuantParams& params) {
  if (params.symmetry == quant::Symmetry::Symmetric) return {};
  if (params.symmetry == quant::Symmetry::Asymmetric) {
    return signed_codes({params.zero_point.begin(), params.zero_point.end()}, params.bits);
  }
  constexpr int kMask = (1 << quant::kNormalShiftBits) - 1;
  std::vector<std::uint8_t> steps;
  for (const std::int32_t zero_point : params.zero_point) {
    steps.push_back(static_cast<std::uint8_t>(zero_point / quant::kNormalShiftStep & kMask));
  }
  return steps;
}

}  // namespace

PackedWeight pack_weight(const QuantizedTensor& weight, const std::string& name) {
  const QuantParams& params = weight.params;
  const auto broadcast = scale_shape(params.granularity, weight.shape, name);
  check(weight, element_count(broadcast), name);
  const bool normal = params.symmetry == quant::Symmetry::Normal;
  return {.bits = params.bits,
          .shape = weight.shape,
          .has_normal_levels = normal,
          .codes = signed_codes(weight.codes, params.bits),
          .zero_points = signed_zero_points(params),
          .zero_point_bits = normal ? BitWidth(quant::kNormalShiftBits) : params.bits,
          .shift = quant::level_shift(params),
          .scale = params.scale,
          .broadcast = broadcast,
          .scale_codes = quant::encode_scales(params.scale)};
}

}  // namespace ompq::onnx_io

#include "ompq/onnx_io/packed_weight.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/quant/levels.h"

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
  const int middle = params.bits.levels() / 2;
  for (const std::int32_t zero_point : params.zero_point) {
    const bool in_range = zero_point >= 0 && zero_point < params.bits.levels();
    const bool symmetric = params.symmetry == quant::Symmetry::Symmetric;
    if (in_range && (!symmetric || zero_point == middle)) continue;
    throw ConfigError("export",
                      fmt::format("weight '{}' has zero point {}; {} bits {} allow {}",
                                  name,
                                  zero_point,
                                  params.bits.value(),
                                  symmetric ? "symmetric" : "asymmetric",
                                  symmetric ? fmt::format("only {}", middle)
                                            : fmt::format("0..{}", params.bits.levels() - 1)));
  }
}

/// code - 2^(b-1) in two's complement is the code with its top bit flipped.
std::vector<std::uint8_t> signed_codes(const QuantizedTensor& weight, bool zero_points) {
  const auto top_bit = static_cast<std::uint8_t>(1U << (weight.params.bits.value() - 1));
  std::vector<std::uint8_t> codes = weight.codes;
  if (zero_points) {
    codes.insert(codes.end(), weight.params.zero_point.begin(), weight.params.zero_point.end());
  }
  for (std::uint8_t& code : codes) code ^= top_bit;
  return codes;
}

}  // namespace

PackedWeight pack_weight(const QuantizedTensor& weight, const std::string& name) {
  const QuantParams& params = weight.params;
  const auto broadcast = scale_shape(params.granularity, weight.shape, name);
  check(weight, element_count(broadcast), name);
  const bool zero_points = params.symmetry == quant::Symmetry::Asymmetric;
  return {.bits = params.bits,
          .shape = weight.shape,
          .codes = signed_codes(weight, zero_points),
          .has_zero_point = zero_points,
          .shift = quant::level_shift(params),
          .scale = params.scale,
          .broadcast = broadcast,
          .scale_codes = quant::encode_scales(params.scale)};
}

}  // namespace ompq::onnx_io

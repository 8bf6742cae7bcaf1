#include "ompq/onnx_io/unpack_writer.h"

#include "ompq/quant/bit_planes.h"

namespace ompq::onnx_io {
namespace {

constexpr std::uint8_t kMantissas = 1U << quant::kShortScaleBits;

/// [1, 2, ..., 2^(b-2), -2^(b-1)]: what each bit of a two's complement number stands for.
Tensor plane_values(BitWidth bits) {
  std::vector<float> values;
  for (int p = 0; p < bits.value(); ++p) values.push_back(static_cast<float>(1 << p));
  values.back() = -values.back();
  return Tensor::from({bits.value()}, values);
}

Tensor shifts() {
  return Tensor::from({8, 1, 1}, std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

Tensor octaves() {
  std::vector<float> values;
  for (int e = 0; e < quant::kShortScaleOctaves; ++e) {
    values.push_back(static_cast<float>(1 << e));
  }
  return Tensor::from({quant::kShortScaleOctaves}, values);
}

Tensor byte_vector(const std::vector<std::uint8_t>& values) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

/// Codes [8 M] as float32, the last ones of no meaning, from fewer than 8 bits.
std::string UnpackWriter::write_planes(const std::vector<std::uint8_t>& codes, BitWidth bits) {
  const std::size_t bytes_per_plane = (codes.size() + 7) / 8;
  std::vector<std::uint8_t> ordered(bytes_per_plane * 8, 0);
  for (std::size_t j = 0, code = 0; j < 8; ++j) {
    for (std::size_t i = 0; i < bytes_per_plane && code < codes.size(); ++i, ++code) {
      ordered[i * 8 + j] = codes[code];
    }
  }
  const std::string planes =
      out_.own(Tensor::from({bits.value(), static_cast<std::int64_t>(bytes_per_plane)},
                            quant::pack_bit_planes(ordered, bits)));
  const std::string shifted = out_.add_right_shift(planes, out_.shared(shifts()));
  const std::string bit =
      out_.add_node("Mod", {shifted, out_.shared(Tensor::scalar<std::uint8_t>(2))});
  const std::string rows = out_.add_node(
      "MatMul", {out_.shared(plane_values(bits)), out_.add_cast(bit, DataType::Float32)});
  return out_.add_node("Reshape", {rows, out_.shared({-1})});
}

/// The same from 8 bits, which need no unpacking.
std::string UnpackWriter::write_bytes(const std::vector<std::uint8_t>& codes) {
  const auto bytes = std::as_bytes(std::span(codes));
  const auto count = static_cast<std::int64_t>(codes.size());
  return out_.add_cast(out_.own(Tensor::from_bytes(DataType::Int8, {count}, bytes)),
                       DataType::Float32);
}

void UnpackWriter::write_code_table(std::span<const UnpackedWeight> weights,
                                    const std::vector<std::size_t>& members) {
  const BitWidth bits = weights[members.front()].weight->bits;
  std::vector<std::uint8_t> codes;
  std::vector<std::int64_t> sizes;
  for (const std::size_t w : members) {
    const PackedWeight& weight = *weights[w].weight;
    codes.insert(codes.end(), weight.codes.begin(), weight.codes.end());
    sizes.push_back(element_count(weight.shape));
    if (weight.has_zero_point) sizes.push_back(element_count(weight.broadcast));
  }
  const bool in_planes = bits.value() < 8;
  const auto padding = static_cast<std::int64_t>((8 - codes.size() % 8) % 8);
  if (in_planes && padding > 0) sizes.push_back(padding);
  const std::string all = in_planes ? write_planes(codes, bits) : write_bytes(codes);
  const std::vector<std::string> pieces = out_.add_split(all, sizes);
  std::size_t next = 0;
  for (const std::size_t w : members) {
    parts_[w].codes = pieces[next++];
    if (weights[w].weight->has_zero_point) parts_[w].zero_points = pieces[next++];
  }
}

void UnpackWriter::write_codes(std::span<const UnpackedWeight> weights, BitWidth bits) {
  std::vector<std::size_t> members;
  std::size_t codes = 0;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (weights[w].weight->bits != bits) continue;
    codes += weights[w].weight->codes.size();
    if (!members.empty() && codes > kTableCodes) {
      write_code_table(weights, members);
      members.clear();
      codes = weights[w].weight->codes.size();
    }
    members.push_back(w);
  }
  if (!members.empty()) write_code_table(weights, members);
}

std::string UnpackWriter::decoded_scales(const std::vector<std::uint8_t>& codes) {
  const std::string table = out_.own(byte_vector(codes));
  const std::string octave = out_.add_right_shift(
      table, out_.shared(Tensor::scalar<std::uint8_t>(quant::kShortScaleBits)));
  const std::string power =
      out_.add_node("Gather", {out_.own(octaves()), out_.add_cast(octave, DataType::Int32)});
  const std::string low =
      out_.add_node("Mod", {table, out_.shared(Tensor::scalar<std::uint8_t>(kMantissas))});
  const std::string mantissa = out_.add_node(
      "Add",
      {out_.add_cast(low, DataType::Float32), out_.shared(Tensor::scalar<float>(kMantissas))});
  return out_.add_node("Mul", {power, mantissa});
}

void UnpackWriter::write_scales(std::span<const UnpackedWeight> weights) {
  std::vector<std::uint8_t> codes;
  std::vector<std::int64_t> sizes;
  std::vector<std::size_t> members;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const PackedWeight& weight = *weights[w].weight;
    if (!weight.scale_codes) {
      parts_[w].scales =
          out_.own(Tensor::from({static_cast<std::int64_t>(weight.scale.size())}, weight.scale));
      continue;
    }
    const auto& own = weight.scale_codes->codes;
    codes.insert(codes.end(), own.begin(), own.end());
    sizes.push_back(static_cast<std::int64_t>(own.size()));
    members.push_back(w);
  }
  if (members.empty()) return;
  const std::vector<std::string> pieces = out_.add_split(decoded_scales(codes), sizes);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const float unit = weights[members[i]].weight->scale_codes->unit;
    parts_[members[i]].scales = out_.add_node("Mul", {pieces[i], out_.own(Tensor::scalar(unit))});
  }
}

void UnpackWriter::write_biases(std::span<const UnpackedWeight> weights) {
  std::vector<float> steps;
  std::vector<std::int64_t> sizes;
  std::vector<std::size_t> members;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (weights[w].bias == nullptr) continue;
    for (const float step : weights[w].bias->steps) steps.push_back(step / kBiasStepUnit);
    sizes.push_back(static_cast<std::int64_t>(weights[w].bias->steps.size()));
    members.push_back(w);
  }
  if (members.empty()) return;
  const Tensor all = Tensor::from({static_cast<std::int64_t>(steps.size())}, steps);
  const std::string halves =
      out_.add_cast(out_.own(all.converted_to(DataType::Float16)), DataType::Float32);
  const std::string table =
      out_.add_node("Mul", {halves, out_.shared(Tensor::scalar(kBiasStepUnit))});
  const std::vector<std::string> pieces = out_.add_split(table, sizes);
  for (std::size_t i = 0; i < members.size(); ++i) parts_[members[i]].steps = pieces[i];
}

void UnpackWriter::write_weight(const UnpackedWeight& unpacked, const Parts& parts) {
  const PackedWeight& weight = *unpacked.weight;
  const auto broadcast = [&](const std::string& flat) {
    if (weight.broadcast.size() == 1) return flat;
    return out_.add_node("Reshape", {flat, out_.shared(weight.broadcast)});
  };
  std::string codes = parts.codes;
  if (weight.shape.size() != 1) {
    codes = out_.add_node("Reshape", {codes, out_.shared(weight.shape)});
  }
  if (weight.has_zero_point) codes = out_.add_node("Sub", {codes, broadcast(parts.zero_points)});
  (void)out_.add_node("Mul", {codes, broadcast(parts.scales)}, unpacked.name);
  if (unpacked.bias == nullptr) return;
  const std::string steps = out_.add_node("Mul", {parts.steps, unpacked.activation_scale});
  (void)out_.add_node("Mul", {steps, parts.scales}, unpacked.bias_name);
}

void UnpackWriter::write(std::span<const UnpackedWeight> weights) {
  parts_.assign(weights.size(), {});
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) write_codes(weights, BitWidth(bits));
  write_scales(weights);
  write_biases(weights);
  for (std::size_t w = 0; w < weights.size(); ++w) write_weight(weights[w], parts_[w]);
}

}  // namespace ompq::onnx_io

#include "ompq/onnx_io/unpack_writer.h"

namespace ompq::onnx_io {
namespace {

constexpr std::uint8_t kMantissas = 1U << quant::kShortScaleBits;

/// The values of a field's bits in a two's complement number of `bits`.
std::vector<float> values_of_bits(const quant::BitField& field, BitWidth bits) {
  std::vector<float> values;
  for (int p = field.first; p < field.first + field.bits; ++p) {
    values.push_back(static_cast<float>(p == bits.value() - 1 ? -(1 << p) : 1 << p));
  }
  return values;
}

/// 2^(l + 2m + 4h) at [l, m, h, 0].
Tensor powers_of_a_byte() {
  return Tensor::from({2, 2, 2, 1}, std::vector<std::int32_t>{1, 16, 4, 64, 2, 32, 8, 128});
}

Tensor octaves() {
  std::vector<float> values;
  for (int e = 0; e < quant::kShortScaleOctaves; ++e) {
    values.push_back(static_cast<float>(1 << e));
  }
  return Tensor::from({quant::kShortScaleOctaves}, values);
}

/// The weight's codes in a shared table: all, or only the zero points.
std::ptrdiff_t count_in_table(const UnpackedWeight& unpacked) {
  const PackedWeight& weight = *unpacked.weight;
  const auto all = static_cast<std::ptrdiff_t>(weight.codes.size());
  return unpacked.looked_up ? all - element_count(weight.shape) : all;
}

Tensor byte_vector(const std::vector<std::uint8_t>& values) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

/// Bit l + 2m + 4h of every byte at [byte, h, m, l].
const std::string& UnpackWriter::bits_of_bytes() {
  if (!bits_of_bytes_.empty()) return bits_of_bytes_;
  const auto number = [&](std::int32_t value) { return out_.shared(Tensor::scalar(value)); };
  const std::string bytes = out_.add_node("Range", {number(0), number(256), number(1)});
  const std::string shifted = out_.add_node("Div", {bytes, out_.shared(powers_of_a_byte())});
  const std::string bits =
      out_.add_cast(out_.add_node("Mod", {shifted, number(2)}), DataType::Float32);
  return bits_of_bytes_ = out_.add_node("Transpose", {bits});  // without perm: reverses the axes
}

/// The values of the fields of each byte: [256, 2], [256, 2, 2] or [256, 2, 2, 2], for 4, 2 or 1
/// bits.
const std::string& UnpackWriter::field_values(const quant::BitField& field,
                                              BitWidth bits,
                                              float shift) {
  std::string& table = field_values_[{field.first, field.bits, bits.value(), shift}];
  if (!table.empty()) return table;
  if (shift != 0.0F) {
    return table = out_.add_node(
               "Add", {field_values(field, bits, 0.0F), out_.shared(Tensor::scalar(shift))});
  }
  const auto worth = out_.shared(Tensor::from({field.bits}, values_of_bits(field, bits)));
  if (field.bits == 1) return table = out_.add_node("Mul", {bits_of_bytes(), worth});
  const std::string grouped = field.bits == 2 ? bits_of_bytes() : half_bytes();
  return table = out_.add_node("MatMul", {grouped, worth});
}

/// The bits of bytes as [256, 2, 4].
const std::string& UnpackWriter::half_bytes() {
  if (half_bytes_.empty()) {
    half_bytes_ = out_.add_node("Reshape", {bits_of_bytes(), out_.shared({256, 2, 4})});
  }
  return half_bytes_;
}

/// Codes [8 M] as float32 from fewer than 8 bits; the last ones are padding.
std::string UnpackWriter::write_fields(const std::vector<std::uint8_t>& codes,
                                       BitWidth bits,
                                       float shift) {
  const auto groups = static_cast<std::int64_t>((codes.size() + 7) / 8);
  std::string sum;
  for (const quant::BitField& field : quant::bit_fields(bits)) {
    std::vector<std::int64_t> shape{groups};
    for (int wider = field.bits; wider > 1; wider /= 2) shape.push_back(2);
    const std::string bytes = out_.own(Tensor::from(shape, quant::pack_bit_field(codes, field)));
    const float own_shift = field.first == 0 ? shift : 0.0F;
    const std::string values = out_.add_node(
        "Gather", {field_values(field, bits, own_shift), out_.add_cast(bytes, DataType::Int32)});
    sum = sum.empty() ? values : out_.add_node("Add", {sum, values});
  }
  return out_.add_node("Reshape", {sum, out_.shared({-1})});
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
  const float shift = weights[members.front()].weight->shift;
  std::vector<std::uint8_t> codes;
  std::vector<std::int64_t> sizes;
  for (const std::size_t w : members) {
    const PackedWeight& weight = *weights[w].weight;
    codes.insert(codes.end(), weight.codes.end() - count_in_table(weights[w]), weight.codes.end());
    if (!weights[w].looked_up) sizes.push_back(element_count(weight.shape));
    if (weight.has_zero_point) sizes.push_back(element_count(weight.broadcast));
  }
  if (codes.empty()) return;
  const bool in_fields = bits.value() < 8;
  const auto padding = static_cast<std::int64_t>((8 - codes.size() % 8) % 8);
  if (in_fields && padding > 0) sizes.push_back(padding);
  const std::string all = in_fields ? write_fields(codes, bits, shift) : write_bytes(codes);
  const std::vector<std::string> pieces = out_.add_split(all, sizes);
  std::size_t next = 0;
  for (const std::size_t w : members) {
    if (!weights[w].looked_up) parts_[w].codes = pieces[next++];
    if (weights[w].weight->has_zero_point) parts_[w].zero_points = pieces[next++];
  }
}

void UnpackWriter::write_codes(std::span<const UnpackedWeight> weights,
                               BitWidth bits,
                               float shift) {
  std::vector<std::size_t> members;
  std::size_t codes = 0;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (weights[w].weight->bits != bits || weights[w].weight->shift != shift) continue;
    const auto own = static_cast<std::size_t>(count_in_table(weights[w]));
    codes += own;
    if (!members.empty() && codes > kTableCodes) {
      write_code_table(weights, members);
      members.clear();
      codes = own;
    }
    members.push_back(w);
  }
  if (!members.empty()) write_code_table(weights, members);
}

std::string UnpackWriter::decoded_scales(const std::vector<std::uint8_t>& codes) {
  const std::string table = out_.add_cast(out_.own(byte_vector(codes)), DataType::Int32);
  const std::string count = out_.shared(Tensor::scalar<std::int32_t>(kMantissas));
  const std::string octave = out_.add_node("Div", {table, count});
  const std::string power = out_.add_node("Gather", {out_.own(octaves()), octave});
  const std::string low = out_.add_node("Mod", {table, count});
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
      // An integer layer has the constant in its graph.
      if (weights[w].integer == nullptr) {
        parts_[w].scales =
            out_.own(Tensor::from({static_cast<std::int64_t>(weight.scale.size())}, weight.scale));
      }
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
    const UnpackedWeight& unpacked = weights[members[i]];
    const bool doubled = unpacked.integer != nullptr && unpacked.integer->doubled;
    const float unit = unpacked.weight->scale_codes->unit * (doubled ? 0.5F : 1.0F);
    parts_[members[i]].scales = out_.add_node("Mul", {pieces[i], out_.own(Tensor::scalar(unit))});
  }
}

/// Biases for integer kernels, or the others.
void UnpackWriter::write_biases(std::span<const UnpackedWeight> weights, bool integer) {
  std::vector<float> steps;
  std::vector<std::int64_t> sizes;
  std::vector<std::size_t> members;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if ((weights[w].integer != nullptr) != integer) continue;
    const std::vector<float>& own =
        weights[w].bias != nullptr ? weights[w].bias->steps : weights[w].steps;
    if (own.empty()) continue;
    for (const float step : own) steps.push_back(step / kBiasStepUnit);
    sizes.push_back(static_cast<std::int64_t>(own.size()));
    members.push_back(w);
  }
  if (members.empty()) return;
  const Tensor all = Tensor::from({static_cast<std::int64_t>(steps.size())}, steps);
  const std::string halves =
      out_.add_cast(out_.own(all.converted_to(DataType::Float16)), DataType::Float32);
  std::string table = out_.add_node("Mul", {halves, out_.shared(Tensor::scalar(kBiasStepUnit))});
  if (integer) table = out_.add_cast(table, DataType::Int32);
  const std::vector<std::string> pieces = out_.add_split(table, sizes);
  for (std::size_t i = 0; i < members.size(); ++i) parts_[members[i]].steps = pieces[i];
}

void UnpackWriter::write_rows(const UnpackedWeight& unpacked, const Parts& parts) {
  const PackedWeight& weight = *unpacked.weight;
  const std::int64_t rows = weight.shape[0];
  const std::int64_t columns = weight.shape[1];
  const auto column = [&](const std::string& flat) {
    return out_.add_node("Reshape", {flat, out_.shared({rows, 1})});
  };
  const std::vector<std::uint8_t> codes(weight.codes.begin(),
                                        weight.codes.begin() + rows * columns);
  Rows made{.fields = {}, .scales = column(parts.scales), .zero_points = {}};
  if (weight.has_zero_point) made.zero_points = column(parts.zero_points);
  if (weight.bits.value() == kMaxBits) {
    const auto bytes = std::as_bytes(std::span(codes));
    made.fields.push_back(
        {out_.own(Tensor::from_bytes(DataType::Int8, {rows, columns}, bytes)), ""});
  } else {
    for (const quant::BitField& field : quant::bit_fields(weight.bits)) {
      std::vector<std::int64_t> shape{rows, columns / 8};
      for (int wider = field.bits; wider > 1; wider /= 2) shape.push_back(2);
      const float own_shift = field.first == 0 ? weight.shift : 0.0F;
      made.fields.push_back({out_.own(Tensor::from(shape, quant::pack_bit_field(codes, field))),
                             field_values(field, weight.bits, own_shift)});
    }
  }
  rows_.emplace(unpacked.name, std::move(made));
}

void UnpackWriter::write_lookup(const std::string& table,
                                const std::string& indices,
                                std::size_t index_rank,
                                const std::string& output) {
  const Rows& rows = rows_.at(table);
  std::string codes;
  for (const Rows::Field& field : rows.fields) {
    const std::string bytes = out_.add_node("Gather", {field.bytes, indices});
    if (field.values.empty()) {
      codes = out_.add_cast(bytes, DataType::Float32);
      continue;
    }
    const std::string values =
        out_.add_node("Gather", {field.values, out_.add_cast(bytes, DataType::Int32)});
    codes = codes.empty() ? values : out_.add_node("Add", {codes, values});
  }
  if (!rows.fields.front().values.empty()) {
    std::vector<std::int64_t> shape(index_rank + 1, 0);
    shape.back() = -1;
    codes = out_.add_node("Reshape", {codes, out_.shared(shape)});
  }
  if (!rows.zero_points.empty()) {
    codes = out_.add_node("Sub", {codes, out_.add_node("Gather", {rows.zero_points, indices})});
  }
  (void)out_.add_node("Mul", {codes, out_.add_node("Gather", {rows.scales, indices})}, output);
}

void UnpackWriter::write_weight(const UnpackedWeight& unpacked, Parts& parts) {
  if (unpacked.looked_up) return write_rows(unpacked, parts);
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
  if (unpacked.integer != nullptr) {
    if (unpacked.integer->doubled) {
      codes = out_.add_node("Mul", {codes, out_.shared(Tensor::scalar(2.0F))});
    }
    parts.codes = out_.add_cast(codes, DataType::Int8);
    return;
  }
  (void)out_.add_node("Mul", {codes, broadcast(parts.scales)}, unpacked.name);
  if (unpacked.bias == nullptr) return;
  const std::string steps = out_.add_node("Mul", {parts.steps, unpacked.activation_scale});
  (void)out_.add_node("Mul", {steps, parts.scales}, unpacked.bias_name);
}

void UnpackWriter::write(std::span<const UnpackedWeight> weights) {
  parts_.assign(weights.size(), {});
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    for (const float shift : {0.0F, 0.5F}) write_codes(weights, BitWidth(bits), shift);
  }
  write_scales(weights);
  write_biases(weights, false);
  write_biases(weights, true);
  for (std::size_t w = 0; w < weights.size(); ++w) write_weight(weights[w], parts_[w]);
}

}  // namespace ompq::onnx_io

#include "ompq/onnx_io/unpack_writer.h"

#include <numeric>
#include <set>

#include "ompq/quant/level_set.h"

namespace ompq::onnx_io {
namespace {

constexpr std::uint8_t kMantissas = 1U << quant::kShortScaleBits;

Tensor octaves() {
  std::vector<float> values;
  for (int e = 0; e < quant::kShortScaleOctaves; ++e) {
    values.push_back(static_cast<float>(1 << e));
  }
  return Tensor::from({quant::kShortScaleOctaves, 1}, values);
}

Tensor mantissas() {
  std::vector<float> values;
  for (int m = 0; m < kMantissas; ++m) values.push_back(static_cast<float>(kMantissas + m));
  return Tensor::from({kMantissas}, values);
}

using Meaning = CodeTables::Meaning;

/// The weight's codes in a shared table of this width and meaning.
std::size_t codes_in_table(const UnpackedWeight& unpacked, BitWidth bits, Meaning meaning) {
  const PackedWeight& weight = *unpacked.weight;
  const auto own = weight.has_normal_levels ? Meaning::NormalLevels : Meaning::Codes;
  const bool here = !unpacked.looked_up && weight.bits == bits && own == meaning;
  return here ? weight.codes.size() : 0;
}
/// The same for its zero points.
std::size_t zero_points_in_table(const UnpackedWeight& unpacked, BitWidth bits, Meaning meaning) {
  const PackedWeight& weight = *unpacked.weight;
  return meaning == Meaning::Codes && weight.zero_point_bits == bits ? weight.zero_points.size()
                                                                     : 0;
}

/// Groups of zero points and scales: by the number of axes with which they broadcast, if those
/// after the first have extent 1.
constexpr std::size_t kFlat = 0;
constexpr std::size_t kIrregular = 100;

std::size_t group_of(const UnpackedWeight& unpacked) {
  if (unpacked.looked_up) return kFlat;
  const std::vector<std::int64_t>& broadcast = unpacked.weight->broadcast;
  for (std::size_t axis = 1; axis < broadcast.size(); ++axis) {
    if (broadcast[axis] != 1) return kIrregular;
  }
  return broadcast.size() <= 1 ? kFlat : broadcast.size();
}

/// True if more is done with the weight's codes than to reshape them.
bool is_computed(const UnpackedWeight& unpacked) {
  const PackedWeight& weight = *unpacked.weight;
  return unpacked.integer == nullptr || weight.has_zero_point() || weight.shift != 0.0F;
}

/// True if a node of its own that converts the codes to float32 takes longer than dividing floats.
bool is_small(const UnpackedWeight& unpacked) {
  constexpr std::int64_t kSmall = std::int64_t{1} << 15;
  return is_computed(unpacked) && element_count(unpacked.weight->shape) < kSmall;
}

Tensor byte_vector(const std::vector<std::uint8_t>& values) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

std::vector<std::string> UnpackWriter::split(const std::string& whole,
                                             const std::vector<std::int64_t>& sizes) {
  return sizes.size() == 1 ? std::vector{whole} : out_.add_split(whole, sizes);
}

/// Gives each member its elements of its group.
/// @param wholes  the elements of all members, by group.
void UnpackWriter::divide(std::span<const UnpackedWeight> weights,
                          const Groups& groups,
                          std::span<const std::string> wholes,
                          std::string Parts::*part) {
  std::size_t next = 0;
  for (const auto& [key, group] : groups) {
    const std::size_t form = key.first;
    std::string whole = wholes[next++];
    if (form != kFlat && form != kIrregular) {
      std::vector<std::int64_t> shape(form, 1);
      shape.front() = -1;
      whole = out_.add_node("Reshape", {whole, out_.shared(shape)});
    }
    std::vector<std::int64_t> sizes;
    for (const std::size_t w : group.members) {
      sizes.push_back(element_count(weights[w].weight->broadcast));
    }
    const std::vector<std::string> pieces = split(whole, sizes);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string piece = pieces[i];
      if (form == kIrregular) {
        const auto& shape = weights[group.members[i]].weight->broadcast;
        piece = out_.add_node("Reshape", {piece, out_.shared(shape)});
      }
      parts_[group.members[i]].*part = piece;
    }
  }
}

/// Codes of large weights, those of small ones, which become float32 together, and zero points.
void UnpackWriter::write_code_table(std::span<const UnpackedWeight> weights,
                                    const std::vector<std::size_t>& members,
                                    BitWidth bits,
                                    Meaning meaning) {
  std::vector<std::size_t> large;
  std::vector<std::size_t> small;
  Groups groups;
  for (const std::size_t w : members) {
    if (codes_in_table(weights[w], bits, meaning) > 0) {
      (is_small(weights[w]) ? small : large).push_back(w);
    }
    if (zero_points_in_table(weights[w], bits, meaning) == 0) continue;
    Group& group = groups[{group_of(weights[w]), weights[w].weight->has_normal_levels}];
    group.members.push_back(w);
    group.elements += element_count(weights[w].weight->broadcast);
  }
  std::vector<std::uint8_t> codes;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> float_sizes;
  const auto add = [&](std::size_t w, std::vector<std::int64_t>& to) {
    const std::vector<std::uint8_t>& own = weights[w].weight->codes;
    to.push_back(static_cast<std::int64_t>(own.size()));
    codes.insert(codes.end(), own.begin(), own.end());
  };
  for (const std::size_t w : large) add(w, sizes);
  for (const std::size_t w : small) add(w, float_sizes);
  for (const auto& [key, group] : groups) {
    for (const std::size_t w : group.members) {
      const std::vector<std::uint8_t>& own = weights[w].weight->zero_points;
      codes.insert(codes.end(), own.begin(), own.end());
    }
    float_sizes.push_back(group.elements);
  }
  if (codes.empty()) return;
  if (!float_sizes.empty()) {
    sizes.push_back(std::accumulate(float_sizes.begin(), float_sizes.end(), std::int64_t{0}));
  }
  const auto padding = static_cast<std::int64_t>((8 - codes.size() % 8) % 8);
  if (bits.value() < kMaxBits && padding > 0) sizes.push_back(padding);
  const std::vector<std::string> pieces = split(tables_.write(codes, bits, meaning), sizes);
  for (std::size_t i = 0; i < large.size(); ++i) parts_[large[i]].codes = pieces[i];
  if (float_sizes.empty()) return;
  const std::vector<std::string> floats =
      split(out_.add_cast(pieces[large.size()], DataType::Float32), float_sizes);
  for (std::size_t i = 0; i < small.size(); ++i) {
    parts_[small[i]].codes = floats[i];
    parts_[small[i]].are_floats = true;
  }
  std::vector<std::string> zero_points(floats.begin() + static_cast<std::ptrdiff_t>(small.size()),
                                       floats.end());
  std::size_t next = 0;
  for (const auto& [key, group] : groups) {
    std::string& own = zero_points[next++];
    constexpr auto kStep = static_cast<float>(quant::kNormalShiftStep);
    if (key.second) own = out_.add_node("Mul", {own, out_.shared(Tensor::scalar(kStep))});
  }
  divide(weights, groups, zero_points, &Parts::zero_points);
}

void UnpackWriter::write_codes(std::span<const UnpackedWeight> weights,
                               BitWidth bits,
                               Meaning meaning) {
  std::vector<std::size_t> members;
  std::size_t codes = 0;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const std::size_t own =
        codes_in_table(weights[w], bits, meaning) + zero_points_in_table(weights[w], bits, meaning);
    if (own == 0) continue;
    codes += own;
    if (!members.empty() && codes > kTableCodes) {
      write_code_table(weights, members, bits, meaning);
      members.clear();
      codes = own;
    }
    members.push_back(w);
  }
  if (!members.empty()) write_code_table(weights, members, bits, meaning);
}

std::string UnpackWriter::decoded_scales(const std::vector<std::uint8_t>& codes) {
  const std::string products = out_.add_node("Mul", {out_.own(octaves()), out_.own(mantissas())});
  const std::string table = out_.add_node("Reshape", {products, out_.shared({-1})});
  const std::string rows = out_.add_cast(out_.own(byte_vector(codes)), DataType::Int32);
  return out_.add_node("Gather", {table, rows});
}

void UnpackWriter::write_scales(std::span<const UnpackedWeight> weights) {
  Groups flat;
  Groups groups;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const UnpackedWeight& unpacked = weights[w];
    const PackedWeight& weight = *unpacked.weight;
    const bool whole =
        unpacked.integer != nullptr || unpacked.bias != nullptr || unpacked.looked_up;
    if (!weight.scale_codes) {
      // An integer layer has the constant in its graph.
      if (unpacked.integer != nullptr) continue;
      std::string& own = unpacked.looked_up ? parts_[w].scales : parts_[w].weight_scales;
      own = out_.own(Tensor::from(weight.broadcast, weight.scale));
      continue;
    }
    const std::size_t form = whole ? kFlat : group_of(unpacked);
    const auto count = static_cast<std::int64_t>(weight.scale_codes->codes.size());
    Group& group = (whole ? flat : groups)[{form, false}];
    group.members.push_back(w);
    group.elements += count;
  }
  std::vector<std::uint8_t> codes;
  std::vector<std::int64_t> totals;
  for (const Groups* some : {&flat, &groups}) {
    for (const auto& [key, group] : *some) {
      totals.push_back(group.elements);
      for (const std::size_t w : group.members) {
        const auto& own = weights[w].weight->scale_codes->codes;
        codes.insert(codes.end(), own.begin(), own.end());
      }
    }
  }
  if (codes.empty()) return;
  const std::vector<std::string> wholes = split(decoded_scales(codes), totals);
  divide(weights, flat, wholes, &Parts::scales);
  divide(weights, groups, std::span(wholes).subspan(flat.size()), &Parts::weight_scales);
  std::vector<std::size_t> scaled;
  std::vector<float> units;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    if (!weights[w].weight->scale_codes) continue;
    const bool doubled = weights[w].integer != nullptr && weights[w].integer->doubled;
    scaled.push_back(w);
    units.push_back(weights[w].weight->scale_codes->unit * (doubled ? 0.5F : 1.0F));
  }
  const auto count = static_cast<std::int64_t>(units.size());
  const std::vector<std::string> each =
      split(out_.own(Tensor::from({count}, units)), std::vector<std::int64_t>(units.size(), 1));
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    Parts& parts = parts_[scaled[i]];
    std::string& scales = parts.scales.empty() ? parts.weight_scales : parts.scales;
    scales = out_.add_node("Mul", {scales, each[i]});
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
  const std::vector<std::uint8_t>& codes = weight.codes;
  Rows made{.fields = {}, .scales = column(parts.scales), .zero_points = {}, .levels = {}};
  if (weight.has_normal_levels) {
    made.levels = tables_.normal_levels(weight.bits, DataType::Float32);
  }
  if (weight.has_zero_point()) made.zero_points = column(parts.zero_points);
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
                             tables_.field_values(field, weight.bits, own_shift)});
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
  if (!rows.levels.empty()) {
    codes = out_.add_node("Gather", {rows.levels, out_.add_cast(codes, DataType::Int32)});
  }
  if (!rows.zero_points.empty()) {
    codes = out_.add_node("Sub", {codes, out_.add_node("Gather", {rows.zero_points, indices})});
  }
  (void)out_.add_node("Mul", {codes, out_.add_node("Gather", {rows.scales, indices})}, output);
}

void UnpackWriter::write_weight(const UnpackedWeight& unpacked, Parts& parts) {
  if (unpacked.looked_up) return write_rows(unpacked, parts);
  const PackedWeight& weight = *unpacked.weight;
  std::string codes = parts.codes;
  if (weight.shape.size() != 1) {
    codes = out_.add_node("Reshape", {codes, out_.shared(weight.shape)});
  }
  const bool integer = unpacked.integer != nullptr;
  const bool between = weight.shift != 0.0F;
  if (is_computed(unpacked)) {
    if (!parts.are_floats) codes = out_.add_cast(codes, DataType::Float32);
    if (weight.has_zero_point()) codes = out_.add_node("Sub", {codes, parts.zero_points});
    if (between) codes = out_.add_node("Add", {codes, out_.shared(Tensor::scalar(weight.shift))});
    if (integer && unpacked.integer->doubled) {
      codes = out_.add_node("Mul", {codes, out_.shared(Tensor::scalar(2.0F))});
    }
    if (integer) codes = out_.add_cast(codes, DataType::Int8);
  }
  if (integer) {
    parts.codes = codes;
    return;
  }
  if (parts.weight_scales.empty()) {
    parts.weight_scales =
        weight.broadcast.size() == 1
            ? parts.scales
            : out_.add_node("Reshape", {parts.scales, out_.shared(weight.broadcast)});
  }
  (void)out_.add_node("Mul", {codes, parts.weight_scales}, unpacked.name);
  if (unpacked.bias == nullptr) return;
  const std::string steps = out_.add_node("Mul", {parts.steps, unpacked.activation_scale});
  (void)out_.add_node("Mul", {steps, parts.scales}, unpacked.bias_name);
}

void UnpackWriter::write(std::span<const UnpackedWeight> weights) {
  parts_.assign(weights.size(), {});
  std::set<BitWidth> widths;
  for (const UnpackedWeight& weight : weights) {
    if (!weight.looked_up) widths.insert(weight.weight->bits);
    if (weight.weight->has_zero_point()) widths.insert(weight.weight->zero_point_bits);
  }
  tables_.prepare(widths);
  for (int bits = kMinBits; bits <= kMaxBits; ++bits) {
    for (const Meaning meaning : {Meaning::Codes, Meaning::NormalLevels}) {
      write_codes(weights, BitWidth(bits), meaning);
    }
  }
  write_scales(weights);
  write_biases(weights, false);
  write_biases(weights, true);
  for (std::size_t w = 0; w < weights.size(); ++w) write_weight(weights[w], parts_[w]);
}

}  // namespace ompq::onnx_io

#include "ompq/onnx_io/code_tables.h"

#include <algorithm>
#include <span>

#include "ompq/core/tensor.h"
#include "ompq/quant/level_set.h"

namespace ompq::onnx_io {
namespace {

using quant::BitField;

/// From here on, looking up half as many words takes less time than their table of 65,536 rows.
constexpr std::size_t kWordsFrom = std::size_t{1} << 19;

constexpr int kByteBits = 8;

/// The values of a field's bits in a two's complement number of `bits`.
std::vector<float> values_of_bits(const BitField& field, BitWidth bits) {
  std::vector<float> values;
  for (int p = field.first; p < field.first + field.bits; ++p) {
    values.push_back(static_cast<float>(p == bits.value() - 1 ? -(1 << p) : 1 << p));
  }
  return values;
}

/// Bits of an index into the tables that are computed together; the third field of 7 bits is added
/// later.
constexpr int kIndexBits = 12;

/// Part of an index: the bits of a field for as many codes as a byte of the first field has.
struct IndexPart {
  BitField field;
  int place = 0;  ///< of its lowest bit
  int width = 0;
};

std::vector<IndexPart> index_parts(BitWidth bits) {
  std::vector<IndexPart> parts;
  const std::vector<BitField> fields = quant::bit_fields(bits);
  const int together = kByteBits / fields.front().bits;
  int place = 0;
  for (const BitField& field : fields) {
    parts.push_back({field, place, together * field.bits});
    place += parts.back().width;
  }
  return parts;
}

/// What each bit of an index is worth for each of a number of codes or parts: [bits, columns].
class Worths {
 public:
  explicit Worths(int bits) : rows_(static_cast<std::size_t>(bits)) {}

  /// The codes of a width.
  void add_codes(BitWidth bits) {
    const std::vector<IndexPart> parts = index_parts(bits);
    const int together = kByteBits / parts.front().field.bits;
    for (int code = 0; code < together; ++code) {
      for (auto& row : rows_) row.push_back(0);
      for (const auto& [field, place, width] : parts) {
        if (place + width > kIndexBits) continue;
        for (int bit = 0; bit < field.bits; ++bit) {
          const int p = field.first + bit;
          const int worth = p == bits.value() - 1 ? -(1 << p) : 1 << p;
          row(place + code * field.bits + bit).back() = static_cast<std::int16_t>(worth);
        }
      }
    }
  }
  /// The parts of a byte, at a place of the index.
  void add_parts(int width, int place) {
    for (int part = 0; part < kByteBits / width; ++part) {
      for (auto& row : rows_) row.push_back(0);
      for (int bit = 0; bit < width; ++bit) {
        row(part * width + bit).back() = static_cast<std::int16_t>(1 << (bit + place));
      }
    }
  }
  [[nodiscard]] Tensor tensor() const {
    std::vector<std::int16_t> all;
    for (const auto& row : rows_) all.insert(all.end(), row.begin(), row.end());
    return Tensor::from(
        {static_cast<std::int64_t>(rows_.size()), static_cast<std::int64_t>(rows_.front().size())},
        all);
  }

 private:
  std::vector<std::int16_t>& row(int bit) { return rows_.at(static_cast<std::size_t>(bit)); }

  std::vector<std::vector<std::int16_t>> rows_;
};

}  // namespace

std::string CodeTables::scalar(std::int32_t value) { return out_.shared(Tensor::scalar(value)); }

/// The bits of the numbers below 2^bits, the lowest first: float32 [2^bits, bits].
std::string CodeTables::bits_of_numbers(int bits) {
  const std::string numbers = out_.add_node("Range", {scalar(0), scalar(1 << bits), scalar(1)});
  std::vector<std::int32_t> powers;
  for (int bit = 0; bit < bits; ++bit) powers.push_back(1 << bit);
  const std::string shifted =
      out_.add_node("Div", {numbers, out_.shared(Tensor::from({bits, 1}, powers))});
  const std::string digits =
      out_.add_cast(out_.add_node("Mod", {shifted, scalar(2)}), DataType::Float32);
  return out_.add_node("Transpose", {digits});  // without perm: reverses the axes
}

void CodeTables::prepare(const std::set<BitWidth>& widths) {
  std::vector<BitWidth> fresh;
  std::vector<std::int64_t> columns;
  std::set<std::pair<int, int>> parts;
  int bits = kByteBits;
  for (const BitWidth width : widths) {
    if (width.value() == kMaxBits || tables_.contains(width)) continue;
    fresh.push_back(width);
    for (const IndexPart& part : index_parts(width)) {
      if (part.place > 0) parts.emplace(part.width, part.place);
      if (part.place + part.width <= kIndexBits) bits = std::max(bits, part.place + part.width);
    }
    columns.push_back(kByteBits / quant::bit_fields(width).front().bits);
  }
  if (fresh.empty()) return;
  const std::string digits = bits_of_numbers(bits);
  const auto product = [&](const Worths& worths) {
    const std::string floats = out_.add_cast(out_.own(worths.tensor()), DataType::Float32);
    return out_.add_node("MatMul", {digits, floats});
  };
  const auto split = [&](const std::string& all, const std::vector<std::int64_t>& sizes) {
    return sizes.size() == 1 ? std::vector{all} : out_.add_split(all, sizes, 1);
  };
  Worths codes(bits);
  for (const BitWidth width : fresh) codes.add_codes(width);
  const auto tables = split(out_.add_cast(product(codes), DataType::Int8), columns);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    tables_[fresh[i]] = fresh[i].value() == 7 ? with_top_field(tables[i]) : tables[i];
  }
  std::erase_if(parts, [&](const auto& part) { return parts_.contains(part); });
  if (parts.empty()) return;
  Worths of_bytes(bits);
  columns.clear();
  for (const auto& [width, place] : parts) {
    of_bytes.add_parts(width, place);
    columns.push_back(kByteBits / width);
  }
  const auto pieces = split(out_.add_cast(product(of_bytes), DataType::Int32), columns);
  std::size_t next = 0;
  for (const auto& part : parts) parts_[part] = pieces[next++];
}

/// The table of 7 bits from that of its lower 6: the highest bits of both codes are the highest
/// of the index.
std::string CodeTables::with_top_field(const std::string& table) {
  const Tensor top = Tensor::from({4, 1, 2}, std::vector<float>{0, 0, -64, 0, 0, -64, -64, -64});
  const std::string sum =
      out_.add_node("Add", {out_.add_cast(table, DataType::Float32), out_.own(top)});
  return out_.add_cast(out_.add_node("Reshape", {sum, out_.shared({-1, 2})}), DataType::Int8);
}

/// Bit l + 2m + 4h of every byte at [byte, h, m, l].
const std::string& CodeTables::bits_of_bytes() {
  if (!bits_of_bytes_.empty()) return bits_of_bytes_;
  return bits_of_bytes_ =
             out_.add_node("Reshape", {bits_of_numbers(kByteBits), out_.shared({256, 2, 2, 2})});
}

/// The bits of bytes as [256, 2, 4].
const std::string& CodeTables::half_bytes() {
  if (half_bytes_.empty()) {
    half_bytes_ = out_.add_node("Reshape", {bits_of_bytes(), out_.shared({256, 2, 4})});
  }
  return half_bytes_;
}

const std::string& CodeTables::field_values(const BitField& field, BitWidth bits, float shift) {
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

/// The four codes of 4 bits of each word, int8 [65536, 4].
const std::string& CodeTables::table_of_words() {
  if (!table_of_words_.empty()) return table_of_words_;
  const BitWidth bits(4);
  const std::string& values = field_values(quant::bit_fields(bits).front(), bits, 0.0F);
  const std::string low = out_.add_node("Pad", {values, out_.shared({0, 0, 0, 2})});
  const std::string high = out_.add_node("Pad", {values, out_.shared({0, 2, 0, 0})});
  const std::string rows = out_.add_node("Reshape", {high, out_.shared({256, 1, 4})});
  const std::string all = out_.add_cast(out_.add_node("Add", {low, rows}), DataType::Int8);
  return table_of_words_ = out_.add_node("Reshape", {all, out_.shared({-1, 4})});
}

/// Words are negative if their highest bit is set, which counts rows from the end.
std::string CodeTables::write_words(const std::vector<std::uint8_t>& codes) {
  const BitField field = quant::bit_fields(BitWidth(4)).front();
  const std::vector<std::uint8_t> bytes = quant::pack_bit_field(codes, field);
  const auto words = static_cast<std::int64_t>(bytes.size() / 2);
  const Tensor stored =
      Tensor::from_bytes(DataType::Int16, {words}, std::as_bytes(std::span(bytes)));
  return out_.add_cast(out_.own(stored), DataType::Int32);
}

/// Rows of the table, one for each byte of the first field.
std::string CodeTables::write_index(const std::vector<std::uint8_t>& codes, BitWidth bits) {
  const std::vector<IndexPart> parts = index_parts(bits);
  const auto bytes_of = [&](const BitField& field, std::int64_t columns) {
    const std::vector<std::uint8_t> bytes = quant::pack_bit_field(codes, field);
    std::vector<std::int64_t> shape{static_cast<std::int64_t>(bytes.size()) / columns};
    if (columns > 1) shape.push_back(columns);
    return out_.add_cast(out_.own(Tensor::from(shape, bytes)), DataType::Int32);
  };
  std::string index;
  std::int64_t columns = 1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == 0) {
      if (parts.size() > 1) columns = kByteBits / parts[1].width;
      index = bytes_of(parts[0].field, columns);
      continue;
    }
    const std::int64_t own = kByteBits / parts[i].width;
    if (own != columns) index = out_.add_node("Reshape", {index, out_.shared({-1, own})});
    columns = own;
    const std::string& table = parts_.at({parts[i].width, parts[i].place});
    index = out_.add_node("Add",
                          {index, out_.add_node("Gather", {table, bytes_of(parts[i].field, 1)})});
  }
  return index;
}

const std::string& CodeTables::normal_levels(BitWidth bits, DataType type) {
  std::string& name = normal_levels_[{bits, type}];
  if (!name.empty()) return name;
  const quant::LevelSet& set = quant::normal_levels(bits);
  std::vector<float> levels(set.level.begin(),
                            set.level.begin() + static_cast<std::ptrdiff_t>(set.count));
  std::rotate(
      levels.begin(), levels.begin() + static_cast<std::ptrdiff_t>(set.count / 2), levels.end());
  const auto count = static_cast<std::int64_t>(levels.size());
  return name = out_.own(Tensor::from({count}, levels).converted_to(type));
}

/// The rows that an index looks up.
std::string CodeTables::rows_for(BitWidth bits, bool words, Meaning meaning) {
  if (!words) prepare({bits});
  if (meaning == Meaning::Codes) return words ? table_of_words() : tables_.at(bits);
  std::string& rows = tables_of_levels_[{bits, words}];
  if (!rows.empty()) return rows;
  const std::string codes = out_.add_cast(rows_for(bits, words, Meaning::Codes), DataType::Int32);
  return rows = out_.add_node("Gather", {normal_levels(bits, DataType::Int8), codes});
}

std::string CodeTables::write(const std::vector<std::uint8_t>& codes,
                              BitWidth bits,
                              Meaning meaning) {
  if (bits.value() == kMaxBits) {
    const auto count = static_cast<std::int64_t>(codes.size());
    return out_.own(Tensor::from_bytes(DataType::Int8, {count}, std::as_bytes(std::span(codes))));
  }
  const bool words = bits.value() == 4 && codes.size() >= kWordsFrom;
  const std::string rows = rows_for(bits, words, meaning);
  const std::string index = words ? write_words(codes) : write_index(codes, bits);
  return out_.add_node("Reshape", {out_.add_node("Gather", {rows, index}), out_.shared({-1})});
}

}  // namespace ompq::onnx_io

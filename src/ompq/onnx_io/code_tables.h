#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/onnx_io/proto_writer.h"
#include "ompq/quant/bit_fields.h"

namespace ompq::onnx_io {

/// Writes codes, signed numbers of 1 to 8 bits, in their exact width, and the nodes that decode
/// them to int8. Codes below 8 bits are split into fields of 4, 2 and 1 bits (quant::BitField),
/// stored as uint8 with 2, 4 or 8 codes per byte. Decoded are as many codes at once as a byte of
/// the first field has, c:
///
///     one field:       bytes --Cast--> index
///     several fields:  index = Cast bytes + the other fields' bits of the same codes, higher
///     int8 = Reshape (Gather from a table [2^n, c], index)
///
/// The other fields' bits are looked up, too. Many codes of 4 bits are stored as int16 and decoded
/// four at once. The tables of all widths are computed together from the bits of the row's number,
/// since ONNX Runtime spends as much time on a node that it folds as on thousands of numbers.
/// Tables of normal levels are looked up with those of codes.
///
///     Range --Div by powers of 2, Mod 2, Cast, Transpose--> [2^n, n]
///       --MatMul what each bit is worth--> [2^n, sum of c] --Cast int8, Split--> a table per width
class CodeTables {
 public:
  explicit CodeTables(ProtoWriter& out) : out_(out) {}

  /// Writes the tables of these widths. write() does so for a width without.
  void prepare(const std::set<BitWidth>& widths);

  /// What the numbers in the file stand for: themselves, or quant::normal_levels().
  enum class Meaning { Codes, NormalLevels };

  /// @param codes  in two's complement, in the low `bits` bits.
  /// @return the name of the int8 codes or levels [N]; below 8 bits, N is padded to a multiple
  /// of 8.
  std::string write(const std::vector<std::uint8_t>& codes,
                    BitWidth bits,
                    Meaning meaning = Meaning::Codes);

  /// The normal levels by code in two's complement, of this type [2^bits]. As an index, a negative
  /// code counts from the end.
  const std::string& normal_levels(BitWidth bits, DataType type);

  /// The values of the fields of each byte, float32 [256, 2], [256, 2, 2] or [256, 2, 2, 2] for 4,
  /// 2 or 1 bits.
  /// @param shift  is added to all values.
  const std::string& field_values(const quant::BitField& field, BitWidth bits, float shift);

 private:
  std::string write_index(const std::vector<std::uint8_t>& codes, BitWidth bits);
  std::string write_words(const std::vector<std::uint8_t>& codes);
  std::string rows_for(BitWidth bits, bool words, Meaning meaning);
  std::string with_top_field(const std::string& table);
  const std::string& table_of_words();
  std::string bits_of_numbers(int bits);
  const std::string& bits_of_bytes();
  const std::string& half_bytes();
  std::string scalar(std::int32_t value);

  ProtoWriter& out_;
  std::map<BitWidth, std::string> tables_;
  std::map<std::pair<BitWidth, bool>, std::string> tables_of_levels_;  // by width, and if of words
  std::map<std::pair<BitWidth, DataType>, std::string> normal_levels_;
  std::map<std::pair<int, int>, std::string> parts_;  // of bytes, by width and place in an index
  // Empty until needed.
  std::map<std::tuple<int, int, int, float>, std::string> field_values_;
  std::string table_of_words_;
  std::string bits_of_bytes_;
  std::string half_bytes_;
};

}  // namespace ompq::onnx_io

#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ompq/onnx_io/code_tables.h"
#include "ompq/onnx_io/integer_layers.h"
#include "ompq/onnx_io/packed_bias.h"
#include "ompq/onnx_io/packed_weight.h"
#include "ompq/onnx_io/proto_writer.h"

namespace ompq::onnx_io {

/// A packed weight, the name of its float32 form, and its bias if that is packed, too.
struct UnpackedWeight {
  const PackedWeight* weight = nullptr;
  std::string name;
  /// True for a matrix whose rows are decoded after a lookup, by write_lookup().
  bool looked_up = false;
  const PackedBias* bias = nullptr;
  std::string bias_name;
  std::string activation_scale;  ///< name of the scalar constant
  /// For integer kernels: levels, scales and steps are what is unpacked, and `name` and `bias` are
  /// not set.
  const IntegerWeight* integer = nullptr;
  std::vector<float> steps;  ///< of the int32 bias; empty: none, or not packed
};

/// Maximum codes per table, to limit the memory that a runtime needs to unpack them.
inline constexpr std::size_t kTableCodes = std::size_t{1} << 22;

/// Writes packed weights and biases, and the nodes that unpack them, in as few bytes as standard
/// ONNX allows. Weights share tables, so that a table's header and the nodes that decode it are
/// written once:
///
///     codes, one table per width (a new one after kTableCodes), decoded to int8 (CodeTables);
///     those of normal levels have a table of their own, and their zero points are in that of 4
///     bits scales: uint8, ScaleCodes:  Gather from (2^0..2^15) x (16..31), times a unit per weight
///     biases: float16, PackedBias:  Cast --Mul 2^24-->
///
/// Each table is divided by a Split, and every weight has separate nodes:
///
///     weight = (Cast Reshape codes - zero points) * (scales * unit)
///     bias = steps * activation scale * (scales * unit)
///
/// (+ 1/2 instead of zero points if levels are between integers), and for integer kernels
///
///     levels = Reshape codes, or Cast int8 (Cast Reshape codes - zero points)
///     bias = Cast steps to int32
///
/// Zero points and scales of weights with the same number of axes are reshaped together before they
/// are divided, since ONNX Runtime spends 0.04 ms on each node that it folds.
///
/// Scales that ScaleCodes cannot represent are a float32 constant. Every operator is exact on these
/// numbers, so the result does not depend on the runtime's constant folding.
class UnpackWriter {
 public:
  /// Maximum number of names for one weight with its bias, and for the tables.
  static constexpr std::size_t kNamesPerWeight = 16;
  static constexpr std::size_t kNamesPerLookup = 32;
  static constexpr std::size_t kSharedNames = 400;

  explicit UnpackWriter(ProtoWriter& out) : out_(out) {}

  /// The names of what was unpacked for a weight; empty if it was not. For integer kernels, codes
  /// are the int8 levels and steps the int32 bias.
  struct Parts {
    std::string codes;
    bool are_floats = false;    ///< of codes: float32, not int8
    std::string zero_points;    ///< float32, broadcasts with the weight
    std::string scales;         ///< flat; empty if only the weight needs them
    std::string weight_scales;  ///< the same, broadcasts with the weight; empty: from `scales`
    std::string steps;
  };

  void write(std::span<const UnpackedWeight> weights);
  /// By index of weight.
  [[nodiscard]] const Parts& parts(std::size_t weight) const { return parts_.at(weight); }

  /// True if the named weight was written for lookups.
  [[nodiscard]] bool has_rows(const std::string& table) const { return rows_.contains(table); }
  /// Writes the lookup and decoding of the table's rows for `indices` of rank `index_rank`:
  ///     the sum of Gather (field values, Cast Gather (bytes [V, D / 8, 2, ...], indices))
  ///       --Reshape--> [..., D] --Sub, Mul by what is looked up of zero points and scales-->
  ///       output
  void write_lookup(const std::string& table,
                    const std::string& indices,
                    std::size_t index_rank,
                    const std::string& output);

 private:
  /// A table as stored in the file.
  struct Rows {
    struct Field {
      std::string bytes;   ///< [V, D / 8, 2, ...]; of 8 bits [V, D] int8
      std::string values;  ///< of a byte; empty for 8 bits
    };
    std::vector<Field> fields;
    std::string scales;       ///< [V, 1]
    std::string zero_points;  ///< likewise; empty: none
    std::string levels;       ///< normal levels by code, float32; empty: codes are levels
  };

  /// Weights by the form of their zero points or scales, and whether zero points are those of
  /// normal levels.
  struct Group {
    std::int64_t elements = 0;
    std::vector<std::size_t> members;
  };
  using Groups = std::map<std::pair<std::size_t, bool>, Group>;

  void write_rows(const UnpackedWeight& unpacked, const Parts& parts);
  void write_codes(std::span<const UnpackedWeight> weights,
                   BitWidth bits,
                   CodeTables::Meaning meaning);
  void write_code_table(std::span<const UnpackedWeight> weights,
                        const std::vector<std::size_t>& members,
                        BitWidth bits,
                        CodeTables::Meaning meaning);
  void divide(std::span<const UnpackedWeight> weights,
              const Groups& groups,
              std::span<const std::string> wholes,
              std::string Parts::*part);
  std::vector<std::string> split(const std::string& whole, const std::vector<std::int64_t>& sizes);
  void write_scales(std::span<const UnpackedWeight> weights);
  std::string decoded_scales(const std::vector<std::uint8_t>& codes);
  void write_biases(std::span<const UnpackedWeight> weights, bool integer);
  void write_weight(const UnpackedWeight& unpacked, Parts& parts);

  ProtoWriter& out_;
  CodeTables tables_{out_};
  std::vector<Parts> parts_;          // by index of weight
  std::map<std::string, Rows> rows_;  // by name of weight
};

}  // namespace ompq::onnx_io

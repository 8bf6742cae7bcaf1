#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/row_table.h"
#include "ompq/ptq/delivery.h"

namespace ompq::ptq {

/// A quantized network to be written.
struct NetworkToWrite {
  const pipeline::Model& model;
  const std::vector<int>& weight_bits;  ///< one per layer; kFloatBits: float
  const rounding::NetworkCodes& codes;
  const pipeline::QuantizedNetwork& network;  ///< made of the codes
  const pipeline::FileForm& form;             ///< of the ONNX file
  std::filesystem::path output;
};

/// A value of `--format`. A new format needs only a row; its name is not used elsewhere.
struct FormatRow {
  std::string_view name;
  /// How an ONNX file of this format stores weights; budgets refer to such a file.
  onnx_io::WeightFormat weights = onnx_io::WeightFormat::Packed;
  /// False if readers expect equally spaced levels, which are then the default.
  bool has_tables = true;
  bool is_onnx = true;  ///< `output` is an ONNX file: it has an opset, and preprocessing next to it
  /// True if training can write it after every epoch.
  bool after_epochs = true;
  std::vector<DeliveredFile> (*files)(const NetworkToWrite& network) = nullptr;
  /// A second file next to `output`: its description and path. Null: none.
  std::string_view companion = {};
  std::filesystem::path (*companion_file)(const std::filesystem::path& output) = nullptr;
};

/// A warning about types in the file that a supported runtime does not read; nullopt if there are
/// none.
/// @param weight_bits  one per layer.
[[nodiscard]] std::optional<std::string> unread_types(const pipeline::FileForm& form,
                                                      const std::vector<int>& weight_bits);

/// All formats; packed, the default, is first.
[[nodiscard]] std::span<const FormatRow> file_formats();
/// The same, for temporarily added rows; see added_rows.h.
[[nodiscard]] RowTable<FormatRow>& format_rows();
/// @throws ConfigError with the nearest name and all names.
[[nodiscard]] const FormatRow& file_format(std::string_view name);

}  // namespace ompq::ptq

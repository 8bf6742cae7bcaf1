#include "ompq/ptq/file_formats.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/log.h"

namespace ompq::ptq {
namespace {

namespace fs = std::filesystem;

DeliveredFile onnx_file(const fs::path& file,
                        const pipeline::QuantizedNetwork& network,
                        const pipeline::FileForm& form) {
  onnx_io::OnnxFile content = pipeline::export_file(network, form);
  return {file, std::move(content.model), std::move(content.data)};
}

/// The float network with dequantized weights; activations stay float.
DeliveredFile float_file(const fs::path& file,
                         const pipeline::Model& model,
                         const std::vector<int>& weight_bits,
                         rounding::NetworkCodes codes,
                         pipeline::FileForm form) {
  codes.activations.clear();
  form.format = onnx_io::WeightFormat::Float;
  form.keep_names = true;  // the encodings refer to values by name
  return onnx_file(file, pipeline::assemble_network(model, weight_bits, codes), form);
}

std::vector<DeliveredFile> write_onnx(const NetworkToWrite& n) {
  if (const auto warning = unread_types(n.form, n.weight_bits)) log().warn(*warning);
  return {onnx_file(n.output, n.network, n.form)};
}

std::vector<DeliveredFile> write_encodings(const NetworkToWrite& n) {
  return {float_file(n.output, n.model, n.weight_bits, n.codes, n.form),
          {encodings_file(n.output), encodings_json(n.model, n.codes), {}}};
}

std::vector<DeliveredFile> write_c_header(const NetworkToWrite& n) {
  return {{n.output, c_header(n.model, n.weight_bits, n.codes, n.output.stem().string()), {}}};
}

}  // namespace

std::optional<std::string> unread_types(const pipeline::FileForm& form,
                                        const std::vector<int>& weight_bits) {
  constexpr int kTwoBits = 2;
  if (form.format != onnx_io::WeightFormat::Qdq) return std::nullopt;
  if (form.opset.value_or(0) < onnx_io::kTwoBitOpset) return std::nullopt;
  const auto layers = std::ranges::count_if(weight_bits, [](int bits) { return bits <= kTwoBits; });
  if (layers == 0) return std::nullopt;
  return fmt::format(
      "--opset {} stores the weights of {} layers of at most {} bits as INT2 or UINT2, which ONNX "
      "Runtime reads (checked with 1.32) and OpenVINO does not (2026.4); for OpenVINO, give "
      "--opset {}, which stores them as INT4",
      *form.opset,
      layers,
      kTwoBits,
      onnx_io::kTwoBitOpset - 1);
}

RowTable<FormatRow>& format_rows() {
  using enum onnx_io::WeightFormat;
  static RowTable<FormatRow> table({
      {.name = "packed", .weights = Packed, .files = write_onnx},
      {.name = "qdq", .weights = Qdq, .has_tables = false, .files = write_onnx},
      {.name = "float", .weights = Float, .files = write_onnx},
      {.name = "encodings",
       .has_tables = false,
       .after_epochs = false,
       .files = write_encodings,
       .companion = "encodings",
       .companion_file = encodings_file},
      {.name = "c-header",
       .has_tables = false,
       .is_onnx = false,
       .after_epochs = false,
       .files = write_c_header},
  });
  return table;
}

std::span<const FormatRow> file_formats() { return format_rows().rows(); }

const FormatRow& file_format(std::string_view name) {
  return format_rows().get(name, "format", "format");
}

}  // namespace ompq::ptq

#include "ompq/ptq/delivery.h"

#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"
#include "ompq/fields/write.h"
#include "ompq/quant/levels.h"

namespace ompq::ptq {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// Encodings support only integer levels: levels between integers are every other level of a grid
/// with half the scale and one more bit.
quant::QuantParams on_half_steps(quant::QuantParams params) {
  params.bits = BitWidth(params.bits.value() + 1);
  for (float& scale : params.scale) scale /= 2;
  for (std::int32_t& zero_point : params.zero_point) zero_point = params.bits.levels() / 2;
  return params;
}

/// Normal levels are some of those of 8 bits.
quant::QuantParams on_eight_bits(quant::QuantParams params) {
  params.bits = BitWidth(8);
  params.symmetry = quant::Symmetry::Symmetric;
  for (std::int32_t& zero_point : params.zero_point) zero_point = params.bits.levels() / 2;
  return params;
}

quant::QuantParams with_integer_levels(const quant::QuantParams& params) {
  if (params.symmetry == quant::Symmetry::Normal) return on_eight_bits(params);
  return quant::level_shift(params) > 0.0F ? on_half_steps(params) : params;
}

/// One encoding for each scale.
Json encodings_of(const quant::QuantParams& quantizer) {
  const quant::QuantParams params = with_integer_levels(quantizer);
  Json list = Json::array();
  const bool symmetric = params.symmetry == quant::Symmetry::Symmetric;
  for (std::size_t s = 0; s < params.scale.size(); ++s) {
    const double scale = params.scale[s];
    const int offset = -params.zero_point[s];
    list.push_back({{"bitwidth", params.bits.value()},
                    {"dtype", "int"},
                    {"is_symmetric", symmetric ? "True" : "False"},
                    {"max", scale * (offset + params.bits.levels() - 1)},
                    {"min", scale * offset},
                    {"offset", offset},
                    {"scale", scale}});
  }
  return list;
}

}  // namespace

fs::path encodings_file(const fs::path& output) {
  fs::path file = output;
  file.replace_extension(".encodings");
  return file;
}

std::string encodings_json(const pipeline::Model& model, const rounding::NetworkCodes& codes) {
  Json activations = Json::object();
  for (const auto& [value, params] : codes.activations) {
    activations[model.graph.value(value).name] = encodings_of(params);
  }
  Json weights = Json::object();
  for (const auto& [name, weight] : codes.weights) weights[name] = encodings_of(weight.params);
  const Json json = {{"version", "0.6.1"},
                     {"producer", std::string("ompq ") + version()},
                     {"activation_encodings", std::move(activations)},
                     {"param_encodings", std::move(weights)}};
  return fields::text_of(json, 2) + "\n";
}

void write_delivered(const std::vector<DeliveredFile>& files) {
  for (const DeliveredFile& file : files) {
    std::vector<NewFile> parts;
    if (!file.data.empty()) parts.push_back({onnx_io::data_file(file.file), file.data});
    parts.push_back({file.file, file.bytes});
    write_files_atomically(parts);
  }
}

}  // namespace ompq::ptq

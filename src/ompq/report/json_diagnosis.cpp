#include "ompq/report/json_objects.h"

namespace ompq::report {
namespace {

template <typename T>
void add(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = *value;
}

Json object(const LayerDiagnosis& layer) {
  Json json = {{"name", layer.name}, {"operator", layer.op}, {"block", layer.block}};
  add(json, "weight_bits", layer.weight_bits);
  add(json, "activation_bits", layer.activation_bits);
  add(json, "snr_before_db", layer.snr_before_db);
  add(json, "snr_after_db", layer.snr_after_db);
  add(json, "weight_snr_db", layer.weight_snr_db);
  add(json, "input_snr_db", layer.input_snr_db);
  add(json, "gain_db", layer.gain_db);
  json["channel_spread"] = layer.channel_spread;
  json["clipped_share"] = layer.clipped_share;
  json["clipping_noise_share"] = layer.clipping_noise_share;
  json["peak_to_rms"] = layer.peak_to_rms;
  return json;
}

Json object(const BlockDiagnosis& block) {
  Json json = {{"name", block.name}, {"layers", block.layers}};
  add(json, "snr_before_db", block.snr_before_db);
  add(json, "snr_after_db", block.snr_after_db);
  return json;
}

}  // namespace

Json object(const Diagnosis& diagnosis) {
  Json json = {{"samples", diagnosis.samples}, {"gain_samples", diagnosis.gain_samples}};
  add(json, "output_snr_before_db", diagnosis.output_snr_before_db);
  add(json, "output_snr_after_db", diagnosis.output_snr_after_db);
  json["layers"] = Json::array();
  for (const LayerDiagnosis& layer : diagnosis.layers) json["layers"].push_back(object(layer));
  json["blocks"] = Json::array();
  for (const BlockDiagnosis& block : diagnosis.blocks) json["blocks"].push_back(object(block));
  json["advice"] = Json::array();
  for (const Advice& advice : diagnosis.advice) {
    json["advice"].push_back(
        {{"layer", advice.layer}, {"finding", advice.finding}, {"remedy", advice.remedy}});
  }
  return json;
}

}  // namespace ompq::report

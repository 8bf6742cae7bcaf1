#include "ompq/report/json_objects.h"

namespace ompq::report {

std::string text(const Json& json) {
  // File names may hold bytes that are no UTF-8; they must not cost the whole result.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json document(std::string_view format, const Provenance& provenance) {
  Json json = {{"format", format}};
  if (!provenance.command.empty()) json["command"] = provenance.command;
  for (const auto& [name, version] : provenance.versions) json["versions"][name] = version;
  return json;
}

Json object(const ModelFile& model) {
  return {{"file", model.file}, {"sha256", model.sha256}, {"bytes", model.bytes}};
}

Json object(const SamplesUsed& samples) {
  Json json = {{"source", samples.source}, {"count", samples.count}, {"seed", samples.seed}};
  if (!samples.split.empty()) json["split"] = samples.split;
  if (samples.skipped > 0) json["skipped"] = samples.skipped;
  if (!samples.preprocess.empty()) json["preprocess"] = Json::parse(samples.preprocess);
  return json;
}

Json object(const StepSeconds& seconds) {
  Json json = Json::object();
  for (const auto& [step, value] : seconds) json[step] = value;
  return json;
}

Json object(const LayerRow& layer) {
  Json json = {{"name", layer.name},
               {"operator", layer.op},
               {"weights", layer.weights},
               {"biases", layer.biases},
               {"parameters", layer.paper_parameters},
               {"macs", layer.macs},
               {"float_input", layer.float_input},
               {"output_shape", layer.output_shape},
               {"feature_size", layer.feature_size},
               {"block", layer.block}};
  json["tie"] = layer.tied_to.empty() ? Json() : Json(layer.tied_to);
  return json;
}

Json rows(const std::vector<LayerRow>& layers) {
  Json json = Json::array();
  for (const LayerRow& layer : layers) json.push_back(object(layer));
  return json;
}

Json matrix(const std::vector<double>& values, std::size_t columns) {
  Json json = Json::array();
  for (std::size_t begin = 0; columns > 0 && begin < values.size(); begin += columns) {
    json.push_back(
        std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                            values.begin() + static_cast<std::ptrdiff_t>(begin + columns)));
  }
  return json;
}

Json object(const Evaluation& evaluation) {
  Json json = {{"samples", evaluation.samples}};
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) json[name] = *value;
  };
  if (evaluation.skipped > 0) json["skipped"] = evaluation.skipped;
  if (evaluation.classes > 0) json["classes"] = evaluation.classes;
  add("top1", evaluation.top1);
  add("top5", evaluation.top5);
  add("cross_entropy", evaluation.cross_entropy);
  add("agreement", evaluation.agreement);
  add("divergence", evaluation.divergence);
  add("snr_db", evaluation.snr_db);
  json["seconds"] = evaluation.seconds;
  return json;
}

}  // namespace ompq::report

#include <nlohmann/json.hpp>

#include "ompq/report/results.h"

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) {
  // File names may hold bytes that are no UTF-8; they must not cost the whole result.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
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

Json object(const AllocationRow& row) {
  if (!row.refused.empty()) return {{"allocator", row.allocator}, {"refused", row.refused}};
  return {{"allocator", row.allocator},
          {"weight_bits", row.weight_bits},
          {"average_bits", row.average_bits},
          {"bytes", row.bytes},
          {"paper_mib", row.paper_mib},
          {"gbops", row.gbops},
          {"predicted_loss", row.predicted_loss},
          {"solver",
           {{"name", row.solver},
            {"status", row.status},
            {"objective", row.objective},
            {"gap", row.gap},
            {"seconds", row.seconds}}}};
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
  add("agreement", evaluation.agreement);
  add("divergence", evaluation.divergence);
  add("snr_db", evaluation.snr_db);
  json["seconds"] = evaluation.seconds;
  return json;
}

Json object(const Search& search) {
  Json json = {{"format", "ompq-search/1"},
               {"model", object(search.model)},
               {"samples", object(search.samples)},
               {"budget", search.budget},
               {"accounting", search.accounting},
               {"scheme", search.scheme},
               {"activation_bits", search.activation_bits},
               {"layers", rows(search.layers)}};
  if (!search.orm.empty()) {
    json["orm"] = matrix(search.orm, search.layers.size());
    json["estimator"] = search.estimator;
    json["precision"] = search.precision;
    json["beta"] = search.beta;
    json["gamma"] = search.gamma;
    json["theta"] = search.theta;
    json["coefficients"] = search.coefficients;
  }
  if (!search.output_error.empty()) {
    json["output_error"] = {{"widths", search.widths},
                            {"values", matrix(search.output_error, search.widths.size())}};
  }
  json["allocations"] = Json::array();
  for (const AllocationRow& row : search.allocations) json["allocations"].push_back(object(row));
  json["seconds"] = object(search.seconds);
  return json;
}

Json object(const QuantizedRow& row) {
  Json json = {{"allocator", row.allocator},
               {"bytes_on_disk", row.bytes_on_disk},
               {"bytes_promised", row.bytes_promised},
               {"average_bits", row.average_bits},
               {"compression", row.compression},
               {"weight_bits", row.weight_bits},
               {"evaluation", object(row.evaluation)}};
  if (!row.file.empty()) json["file"] = row.file;
  return json;
}

Json pairs(const std::vector<std::pair<std::string, std::string>>& entries, const char* value) {
  Json json = Json::array();
  for (const auto& [name, text_value] : entries) {
    json.push_back({{"name", name}, {value, text_value}});
  }
  return json;
}

}  // namespace

std::string to_json(const Inspection& inspection) {
  Json json = {{"format", "ompq-inspect/1"},
               {"model", object(inspection.model)},
               {"opset", inspection.opset},
               {"inputs", pairs(inspection.inputs, "shape")},
               {"outputs", pairs(inspection.outputs, "shape")},
               {"parameters", inspection.parameters},
               {"macs", inspection.macs},
               {"layers", rows(inspection.layers)}};
  json["blocks"] = Json::array();
  for (const BlockRow& block : inspection.blocks) {
    json["blocks"].push_back({{"name", block.name}, {"layers", block.layers}});
  }
  json["not_quantizable"] = Json::array();
  for (const RejectedRow& row : inspection.rejected) {
    json["not_quantizable"].push_back(
        {{"name", row.name}, {"operator", row.op}, {"reason", row.reason}});
  }
  json["metadata"] = pairs(inspection.metadata, "value");
  return text(json);
}

std::string to_json(const Search& search) { return text(object(search)); }

std::string to_json(const Quantization& quantization) {
  Json json = object(quantization.search);
  json["format"] = "ompq-quantize/1";
  const QuantizedRow& chosen = quantization.networks.front();
  json["bytes_on_disk"] = chosen.bytes_on_disk;
  json["bytes_promised"] = chosen.bytes_promised;
  json["evaluated_on"] = object(quantization.evaluated_on);
  json["float"] = object(quantization.float_evaluation);
  json["evaluation"] = object(chosen.evaluation);
  json["networks"] = Json::array();
  for (const QuantizedRow& row : quantization.networks) json["networks"].push_back(object(row));
  json["seconds"] = object(quantization.seconds);
  return text(json);
}

std::string to_json(const ModelFile& model,
                    const SamplesUsed& samples,
                    const Evaluation& evaluation) {
  Json json = {{"format", "ompq-eval/1"},
               {"model", object(model)},
               {"samples", object(samples)},
               {"evaluation", object(evaluation)}};
  return text(json);
}

}  // namespace ompq::report

#include "ompq/report/json.h"

#include "ompq/report/json_objects.h"

namespace ompq::report {
namespace {

Json object(const AllocationRow& row) {
  if (!row.refused.empty()) return {{"allocator", row.allocator}, {"refused", row.refused}};
  Json json = {{"allocator", row.allocator},
               {"weight_bits", row.weight_bits},
               {"average_bits", row.average_bits},
               {"bytes", row.bytes},
               {"paper_mib", row.paper_mib},
               {"gbops", row.gbops}};
  if (!row.instead_of.empty()) json["instead_of"] = row.instead_of;
  if (row.predicted_loss) json["predicted_loss"] = *row.predicted_loss;
  json["solver"] = {{"name", row.solver},
                    {"status", row.status},
                    {"objective", row.objective},
                    {"gap", row.gap},
                    {"seconds", row.seconds}};
  return json;
}

Json object(const LossRows& loss) {
  return {{"metric", loss.metric},
          {"unit", loss.unit},
          {"widths", loss.widths},
          {"values", matrix(loss.values, loss.widths.size())}};
}

Json object(const Portfolio& portfolio) {
  Json json = {{"measure", portfolio.measure},
               {"winner", portfolio.winner},
               {"steps", portfolio.steps},
               {"evaluations", portfolio.evaluations},
               {"time_limit_struck", portfolio.time_limit_struck},
               {"candidates", Json::array()}};
  for (const auto& candidate : portfolio.candidates) {
    json["candidates"].push_back({{"origin", candidate.origin},
                                  {"divergence", candidate.divergence},
                                  {"weight_bits", candidate.weight_bits}});
  }
  return json;
}

Json object(const Search& search, std::string_view format) {
  Json json = document(format, search.provenance);
  json.update({{"model", object(search.model)},
               {"samples", object(search.samples)},
               {"budget", search.budget},
               {"accounting", search.accounting},
               {"scheme", search.scheme},
               {"activation_bits", search.activation_bits},
               {"layers", rows(search.layers)}});
  if (!search.orm.empty()) {
    json["orm"] = matrix(search.orm, search.layers.size());
    json["estimator"] = search.estimator;
    json["precision"] = search.precision;
    json["beta"] = search.beta;
    json["gamma"] = search.gamma;
    json["theta"] = search.theta;
    json["coefficients"] = search.coefficients;
  }
  if (!search.losses.empty()) {
    json["losses"] = Json::array();
    for (const LossRows& loss : search.losses) json["losses"].push_back(object(loss));
  }
  if (!search.dropped.empty()) {
    json["dropped"] = Json::array();
    for (const DroppedMetric& dropped : search.dropped) {
      json["dropped"].push_back({{"metric", dropped.metric}, {"reason", dropped.reason}});
    }
  }
  if (search.portfolio) json["portfolio"] = object(*search.portfolio);
  json["allocations"] = Json::array();
  for (const AllocationRow& row : search.allocations) json["allocations"].push_back(object(row));
  json["seconds"] = report::object(search.seconds);
  return json;
}

Json object(const QuantizedRow& row) {
  Json json = {{"allocator", row.allocator},
               {"method", row.method},
               {"bytes_on_disk", row.bytes_on_disk},
               {"bytes_promised", row.bytes_promised},
               {"average_bits", row.average_bits},
               {"gbops", row.gbops},
               {"compression", row.compression},
               {"weight_bits", row.weight_bits},
               {"evaluation", object(row.evaluation)}};
  if (!row.instead_of.empty()) json["instead_of"] = row.instead_of;
  if (!row.file.empty()) json["file"] = row.file;
  return json;
}

Json object(const Reconstruction& made) {
  Json json = {{"method", made.method}, {"effort", made.effort}, {"samples", made.samples}};
  json["blocks"] = Json::array();
  for (const ReconstructedBlock& block : made.blocks) {
    json["blocks"].push_back({{"step", block.step},
                              {"name", block.name},
                              {"iterations", block.iterations},
                              {"seconds", block.seconds},
                              {"loss_before", block.loss_before},
                              {"loss_after", block.loss_after},
                              {"snr_before_db", block.snr_before_db},
                              {"snr_after_db", block.snr_after_db},
                              {"kept_initial", block.kept_initial}});
  }
  if (made.restoration) {
    json["restoration"] = {{"snr_before_db", made.restoration->snr_before_db},
                           {"snr_after_db", made.restoration->snr_after_db},
                           {"kept_initial", made.restoration->kept_initial}};
  }
  if (made.distillation) {
    json["distillation"] = {{"steps", made.distillation->steps},
                            {"seconds", made.distillation->seconds},
                            {"loss_before", made.distillation->loss_before},
                            {"loss_after", made.distillation->loss_after},
                            {"kept_initial", made.distillation->kept_initial}};
  }
  return json;
}

Json object(const Distribution& seen) {
  return {{"layer", seen.layer},
          {"kind", seen.kind},
          {"edges", seen.edges},
          {"counts", seen.counts},
          {"low", seen.low},
          {"high", seen.high}};
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
  if (!inspection.copied.empty()) json["copied"] = Json::array();
  for (const RejectedRow& row : inspection.copied) {
    json["copied"].push_back({{"name", row.name}, {"operator", row.op}, {"reason", row.reason}});
  }
  json["metadata"] = pairs(inspection.metadata, "value");
  if (inspection.made) {
    const Making& made = *inspection.made;
    json["quantization"] = {{"version", made.version},
                            {"float_sha256", made.float_sha256},
                            {"budget", made.budget},
                            {"weight_bits", made.weight_bits},
                            {"activation_bits", made.activation_bits}};
  }
  return text(json);
}

std::string to_json(const Search& search) { return text(object(search, "ompq-search/1")); }

namespace {

Json object(const Quantization& quantization, std::string_view format) {
  Json json = object(quantization.search, format);
  const QuantizedRow& chosen = quantization.networks.front();
  json["bytes_on_disk"] = chosen.bytes_on_disk;
  json["bytes_promised"] = chosen.bytes_promised;
  json["evaluated_on"] = object(quantization.evaluated_on);
  json["float"] = object(quantization.float_evaluation);
  json["evaluation"] = object(chosen.evaluation);
  json["networks"] = Json::array();
  for (const QuantizedRow& row : quantization.networks) json["networks"].push_back(object(row));
  if (quantization.reconstruction) {
    json["reconstruction"] = object(*quantization.reconstruction);
  }
  for (const Distribution& seen : quantization.distributions) {
    json["histograms"].push_back(object(seen));
  }
  if (quantization.diagnosis) json["diagnosis"] = object(*quantization.diagnosis);
  json["seconds"] = report::object(quantization.seconds);
  return json;
}

}  // namespace

std::string to_json(const Quantization& quantization) {
  return text(object(quantization, "ompq-quantize/1"));
}

std::string to_json(const Finetuning& finetuning) {
  Json json = object(finetuning.quantization, "ompq-finetune/1");
  json["trained_on"] = object(finetuning.trained_on);
  json["best_epoch"] = finetuning.best_epoch;
  json["stopped_early"] = finetuning.stopped_early;
  json["resumed_epochs"] = finetuning.resumed_epochs;
  for (const auto& [name, value] : finetuning.options) json["training"][name] = value;
  json["epochs"] = Json::array();
  for (const EpochRecord& epoch : finetuning.epochs) {
    json["epochs"].push_back(Json::parse(to_json_line(epoch)));
  }
  return text(json);
}

std::string to_json(const LatencyTemplate& table) {
  Json json = {{"format", "ompq-latency-template/1"},
               {"model", object(table.model)},
               {"file", table.file},
               {"layers", table.layers}};
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

#include "ompq/report/json.h"
#include "ompq/report/json_objects.h"

namespace ompq::report {
namespace {

Json object(const RankCorrelation& row) {
  Json json = {{"metric", row.metric}};
  json["accuracy"] = row.accuracy ? Json(*row.accuracy) : Json();
  json["divergence"] = row.divergence ? Json(*row.divergence) : Json();
  return json;
}

Json object(const SweepPoint& point) {
  return {{"bytes", point.bytes},
          {"average_bits", point.average_bits},
          {"gbops", point.gbops},
          {"divergence", point.divergence},
          {"predicted_loss", point.predicted_loss},
          {"gap", point.gap},
          {"weight_bits", point.weight_bits}};
}

}  // namespace

Json object(const ComparisonRow& row) {
  Json json = {{"budget", row.budget}, {"allocator", row.allocator}};
  if (!row.refused.empty()) {
    json["refused"] = row.refused;
    return json;
  }
  json["average_bits"] = row.average_bits;
  json["bytes"] = row.bytes;
  json["gbops"] = row.gbops;
  json["seconds"] = row.seconds;
  json["evaluation"] = object(row.evaluation);
  json["weight_bits"] = row.weight_bits;
  return json;
}

Evaluation evaluation_from(const Json& json) {
  Evaluation evaluation;
  const auto read = [&](const char* name, std::optional<double>& value) {
    if (json.contains(name)) value = json[name].get<double>();
  };
  evaluation.samples = json.at("samples").get<std::int64_t>();
  evaluation.skipped = json.value("skipped", std::int64_t{0});
  evaluation.classes = json.value("classes", std::int64_t{0});
  read("top1", evaluation.top1);
  read("top5", evaluation.top5);
  read("cross_entropy", evaluation.cross_entropy);
  read("agreement", evaluation.agreement);
  read("divergence", evaluation.divergence);
  read("snr_db", evaluation.snr_db);
  evaluation.seconds = json.at("seconds").get<double>();
  return evaluation;
}

ComparisonRow comparison_row_from(const Json& json) {
  ComparisonRow row{.budget = json.at("budget").get<std::string>(),
                    .allocator = json.at("allocator").get<std::string>()};
  row.refused = json.value("refused", "");
  if (!row.refused.empty()) return row;
  row.average_bits = json.at("average_bits").get<double>();
  row.bytes = json.at("bytes").get<std::int64_t>();
  row.gbops = json.at("gbops").get<double>();
  row.seconds = json.at("seconds").get<double>();
  row.evaluation = evaluation_from(json.at("evaluation"));
  row.weight_bits = json.at("weight_bits").get<std::vector<int>>();
  return row;
}

std::string to_json(const Comparison& comparison) {
  Json json = document("ompq-compare/1", comparison.provenance);
  json.update({{"model", object(comparison.model)},
               {"samples", object(comparison.samples)},
               {"evaluated_on", object(comparison.evaluated_on)},
               {"activation_bits", comparison.activation_bits},
               {"float", object(comparison.float_evaluation)},
               {"budgets", comparison.budgets},
               {"allocators", comparison.allocators},
               {"rows", Json::array()},
               {"random_allocations", comparison.random_allocations},
               {"rank_correlation", Json::array()}});
  for (const auto& row : comparison.rows) json["rows"].push_back(object(row));
  for (const auto& row : comparison.correlations) json["rank_correlation"].push_back(object(row));
  json["seconds"] = report::object(comparison.seconds);
  return text(json);
}

std::string to_json(const Sweep& sweep) {
  Json json = document("ompq-sweep/1", sweep.provenance);
  json.update({{"model", object(sweep.model)},
               {"samples", object(sweep.samples)},
               {"metric", sweep.metric},
               {"measure", sweep.measure},
               {"activation_bits", sweep.activation_bits},
               {"layers", rows(sweep.layers)},
               {"knee", sweep.knee},
               {"points", Json::array()}});
  if (!sweep.instead_of.empty()) json["instead_of"] = sweep.instead_of;
  if (sweep.picked) json["picked"] = *sweep.picked;
  for (const auto& point : sweep.points) json["points"].push_back(object(point));
  json["seconds"] = report::object(sweep.seconds);
  return text(json);
}

}  // namespace ompq::report

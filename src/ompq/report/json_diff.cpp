#include "ompq/report/json.h"
#include "ompq/report/json_objects.h"

namespace ompq::report {
namespace {

Json object(const DiffRow& row) {
  Json json = {{"layer", row.layer},
               {"layer_b", row.layer_b},
               {"operator", row.op},
               {"value_a", row.value_a},
               {"value_b", row.value_b},
               {"matched_by", row.matched_by},
               {"equal", row.equal},
               {"finite", row.finite},
               {"parted", row.parted}};
  if (row.snr_db) json["snr_db"] = *row.snr_db;
  if (row.cosine) json["cosine"] = *row.cosine;
  json["largest_difference"] = row.largest_difference;
  return json;
}

}  // namespace

std::string to_json(const Diff& diff) {
  Json json = {{"format", "ompq-diff/1"},
               {"a", object(diff.a)},
               {"b", object(diff.b)},
               {"samples", object(diff.samples)},
               {"threshold_db", diff.threshold_db}};
  json["first_apart"] = diff.first_apart ? Json(diff.rows.at(*diff.first_apart).layer) : Json();
  if (diff.agreement) json["agreement"] = *diff.agreement;
  json["rows"] = Json::array();
  for (const DiffRow& row : diff.rows) json["rows"].push_back(object(row));
  json["only_in_a"] = diff.only_in_a;
  json["only_in_b"] = diff.only_in_b;
  json["seconds"] = diff.seconds;
  return text(json);
}

}  // namespace ompq::report

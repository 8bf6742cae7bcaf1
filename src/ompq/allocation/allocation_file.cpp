#include "ompq/allocation/allocation_file.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/bit_width.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/error_list.h"
#include "ompq/core/nearest_name.h"
#include "ompq/fields/read.h"
#include "ompq/fields/write.h"

namespace ompq::allocation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "ompq-allocation/2";
constexpr std::string_view kFirstFormat = "ompq-allocation/1";  // "tied_to" was "tie"
constexpr std::string_view kFloatText = "float";

/// A width from JSON; nullopt and an error if it is invalid.
std::optional<int> read_width(const Json& row,
                              const char* key,
                              const std::string& layer,
                              ErrorList& errors) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_number_integer()) {
    const auto width = found->get<std::int64_t>();
    if (width >= kMinBits && width <= kMaxBits) return static_cast<int>(width);
  }
  errors.add(fmt::format("layer '{}': {} is {}; it must be a whole number in {}..{} or \"{}\"",
                         layer,
                         key,
                         found == row.end() ? "missing" : found->dump(),
                         kMinBits,
                         kMaxBits,
                         kFloatText));
  return std::nullopt;
}

std::optional<int> read_activation_bits(const Json& row,
                                        const std::string& layer,
                                        ErrorList& errors) {
  const auto found = row.find("activation_bits");
  if (found == row.end() || found->is_null() || *found == kFloatText) return std::nullopt;
  return read_width(row, "activation_bits", layer, errors);
}

AllocatedLayer read_row(const Json& row, std::size_t index, ErrorList& errors) {
  AllocatedLayer layer;
  const auto name = row.is_object() ? row.find("name") : row.end();
  if (!row.is_object() || name == row.end() || !name->is_string()) {
    errors.add(fmt::format("row {} of 'layers' has no \"name\"", index));
    return layer;
  }
  layer.name = name->get<std::string>();
  const auto weights = row.find("weight_bits");
  layer.weight_bits = weights != row.end() && *weights == kFloatText
                          ? kFloatBits
                          : read_width(row, "weight_bits", layer.name, errors).value_or(kMaxBits);
  layer.activation_bits = read_activation_bits(row, layer.name, errors);
  return layer;
}

/// Rows in the model's order; adds errors for unknown, missing and repeated layers.
std::vector<AllocatedLayer> match_rows(const Json& rows,
                                       std::span<const LayerCost> layers,
                                       ErrorList& errors) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  std::vector<std::string_view> names;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    names.emplace_back(layers[l].name);
    index_of.emplace(names.back(), l);
  }
  std::vector<std::optional<AllocatedLayer>> found(layers.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    AllocatedLayer row = read_row(rows[r], r, errors);
    if (row.name.empty()) continue;
    const auto at = index_of.find(row.name);
    if (at == index_of.end()) {
      errors.add(fmt::format(
          "unknown layer '{}'; did you mean '{}'?", row.name, nearest_name(row.name, names)));
    } else if (found[at->second]) {
      errors.add(fmt::format("layer '{}' is listed twice", row.name));
    } else {
      found[at->second] = std::move(row);
    }
  }
  std::vector<AllocatedLayer> matched;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (!found[l]) errors.add(fmt::format("layer '{}' is missing", layers[l].name));
    matched.push_back(found[l].value_or(AllocatedLayer{layers[l].name, kMaxBits, {}, {}}));
  }
  return matched;
}

std::string bits_text(int bits) {
  return bits == kFloatBits ? std::string(kFloatText) : fmt::format("{} bits", bits);
}

void apply_ties(std::vector<AllocatedLayer>& rows,
                std::span<const LayerCost> layers,
                ErrorList& errors) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].tied_to == kUntied) continue;
    const AllocatedLayer& leader = rows[static_cast<std::size_t>(layers[l].tied_to)];
    rows[l].tied_to = leader.name;
    if (rows[l].weight_bits == leader.weight_bits) continue;
    errors.add(
        fmt::format("layer '{}' has {}, but '{}', to which it is tied, has {}; "
                    "tied layers need equal widths",
                    rows[l].name,
                    bits_text(rows[l].weight_bits),
                    leader.name,
                    bits_text(leader.weight_bits)));
  }
}

void check_shared_activations(const std::vector<AllocatedLayer>& rows,
                              std::span<const LayerCost> layers,
                              ErrorList& errors) {
  std::unordered_map<std::int32_t, std::size_t> first_reader;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].activation == kNoActivation) continue;
    const std::size_t first = first_reader.emplace(layers[l].activation, l).first->second;
    const int here = rows[l].activation_bits.value_or(kFloatBits);
    const int there = rows[first].activation_bits.value_or(kFloatBits);
    if (here == there) continue;
    errors.add(
        fmt::format("layer '{}' reads activations of {}, but '{}', which reads the same ones, {}; "
                    "shared activations need one width",
                    rows[l].name,
                    bits_text(here),
                    rows[first].name,
                    bits_text(there)));
  }
}

Json bits_json(int bits) { return bits == kFloatBits ? Json(kFloatText) : Json(bits); }

Json layer_json(const AllocatedLayer& layer) {
  Json json;
  json["name"] = layer.name;
  json["weight_bits"] = bits_json(layer.weight_bits);
  json["activation_bits"] = bits_json(layer.activation_bits.value_or(kFloatBits));
  json["tied_to"] = layer.tied_to ? Json(*layer.tied_to) : Json(nullptr);
  return json;
}

const fields::Source& allocation_source() {
  static const fields::Source source{
      .place = "allocation file", .remedy = "give a file written by 'ompq search' or 'ompq sweep'"};
  return source;
}

}  // namespace

template <typename Visitor, fields::Of<AllocatedModel> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("AllocatedModel", "");
  v("file", s.file, "", fields::kOmitEmpty);
  v("sha256", s.sha256, "", fields::kOmitEmpty);
}

namespace {

/// Sets `value` to a field of the file, if it is present.
template <typename T>
void read_field(const Json& json, std::string_view name, T& value) {
  const auto field = json.find(name);
  if (field == json.end()) return;
  value = fields::from_json<T>(*field, allocation_source(), std::string(name));
}

/// Widths of another network may fit by the names of its layers and still be wrong.
void require_same_model(const Json& json, const AllocatedModel& model) {
  AllocatedModel own;
  read_field(json, "model", own);
  if (own.sha256.empty() || model.sha256.empty() || own.sha256 == model.sha256) return;
  const auto start = [](const std::string& hash) { return display_name(hash.substr(0, 12)); };
  throw DataError(
      "allocation file",
      fmt::format("its widths are for another network, '{}' (SHA-256 {}...), not for '{}' "
                  "({}...); search again for this network, or remove \"model\" from the file to "
                  "use its widths nevertheless",
                  display_name(own.file),
                  start(own.sha256),
                  display_name(model.file),
                  start(model.sha256)));
}

/// Information about the rows that does not change them. All of it is optional, since users may
/// edit the file.
void read_records(const Json& json, AllocationFile& file) {
  AllocatedModel model;
  read_field(json, "model", model);
  file.model_file = std::move(model.file);
  file.model_sha256 = std::move(model.sha256);
  std::string accounting(enum_name(file.accounting));
  read_field(json, "accounting", accounting);
  const auto named = enum_named<Accounting>(accounting);
  if (!named) {
    fields::refuse(allocation_source(), "accounting", json["accounting"], "\"disk\" or \"paper\"");
  }
  file.accounting = *named;
  read_field(json, "budget", file.budget);
  read_field(json, "cost", file.cost);
  read_field(json, "metric", file.metric);
  read_field(json, "solver", file.solver);
}

/// @throws DataError unless `json` is an object of our format with an array of layers.
void require_format(const Json& json) {
  const auto fail = [](const std::string& what) { throw DataError("allocation file", what); };
  if (!json.is_object()) fail("the document is not a JSON object");
  const auto format = json.find("format");
  if (format == json.end() || (*format != kFormat && *format != kFirstFormat)) {
    fail(fmt::format("\"format\" is {}; it must be \"{}\"",
                     format == json.end() ? "missing" : format->dump(),
                     kFormat));
  }
  const auto layers = json.find("layers");
  if (layers == json.end() || !layers->is_array()) fail("\"layers\" is missing or not an array");
}

}  // namespace

AllocationFile make_allocation_file(const AllocationRequest& request,
                                    const Allocation& allocation) {
  AllocationFile file;
  file.accounting = request.cost.accounting;
  file.budget = request.budget;
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const LayerCost& layer = request.layers[l];
    AllocatedLayer row{layer.name, allocation.weight_bits[l], {}, {}};
    if (allocation.activation_bits[l] != kFloatBits) {
      row.activation_bits = allocation.activation_bits[l];
    }
    if (layer.tied_to != kUntied) {
      row.tied_to = request.layers[static_cast<std::size_t>(layer.tied_to)].name;
    }
    file.layers.push_back(std::move(row));
  }
  file.cost = allocation.cost;
  const Solution& solution = allocation.solution;
  file.solver = SolverRecord{solution.solver,
                             std::string(allocation::name_of(solution.status)),
                             solution.objective,
                             solution.gap,
                             solution.seconds};
  return file;
}

std::string to_json(const AllocationFile& file) {
  Json json;
  json["format"] = kFormat;
  json["model"] = Json{{"file", file.model_file}, {"sha256", file.model_sha256}};
  json["accounting"] = enum_name(file.accounting);
  json["budget"] = fields::to_json(file.budget);
  json["layers"] = Json::array();
  for (const AllocatedLayer& layer : file.layers) json["layers"].push_back(layer_json(layer));
  if (file.cost) json["cost"] = fields::to_json(*file.cost);
  json["metric"] = file.metric;
  if (file.solver) json["solver"] = fields::to_json(*file.solver);
  return fields::text_of(json, 2) + "\n";
}

AllocationFile parse_allocation(std::string_view json,
                                std::span<const LayerCost> layers,
                                const AllocatedModel& model) {
  const Json document = fields::parse(json, allocation_source());
  require_format(document);
  require_same_model(document, model);
  ErrorList errors;
  AllocationFile file;
  file.layers = match_rows(document.at("layers"), layers, errors);
  // Ties can only be checked if all rows are present.
  if (errors.empty()) {
    apply_ties(file.layers, layers, errors);
    check_shared_activations(file.layers, layers, errors);
  }
  errors.throw_if_any<DataError>("allocation file");
  read_records(document, file);
  return file;
}

AllocationFile read_allocation(const std::filesystem::path& path,
                               std::span<const LayerCost> layers,
                               const AllocatedModel& model) {
  try {
    return parse_allocation(read_file(path), layers, model);
  } catch (const DataError& error) {
    throw DataError(path.string(), lines_of(error.reason()));
  }
}

void write_allocation(const std::filesystem::path& path, const AllocationFile& file) {
  write_file_atomically(path, to_json(file));
}

}  // namespace ompq::allocation

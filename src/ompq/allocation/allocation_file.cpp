#include "ompq/allocation/allocation_file.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/bit_width.h"
#include "ompq/core/error.h"
#include "ompq/core/error_list.h"
#include "ompq/core/nearest_name.h"

namespace ompq::allocation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "ompq-allocation/1";
constexpr std::string_view kFloatText = "float";

std::string_view name_of(Accounting accounting) {
  return accounting == Accounting::Paper ? "paper" : "disk";
}

/// A width from JSON, or nothing with a complaint.
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

/// Rows in the model's order; complains about what is unknown, missing or there twice.
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
      errors.add(fmt::format("layer '{}' is there twice", row.name));
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
    rows[l].tie = leader.name;
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
                    "what is shared needs one width",
                    rows[l].name,
                    bits_text(here),
                    rows[first].name,
                    bits_text(there)));
  }
}

Json budget_json(const Budget& budget) {
  Json json = Json::object();
  if (budget.bytes) json["bytes"] = *budget.bytes;
  if (budget.average_bits) json["average_bits"] = *budget.average_bits;
  if (budget.compression) json["compression"] = *budget.compression;
  if (budget.bops) json["bops"] = *budget.bops;
  if (budget.weight_bytes) json["weight_bytes"] = *budget.weight_bytes;
  if (budget.activation_bytes) json["activation_bytes"] = *budget.activation_bytes;
  if (budget.latency_us) json["latency_us"] = *budget.latency_us;
  return json;
}

template <typename Number>
void read_number(const Json& json, const char* key, std::optional<Number>& number) {
  if (json.contains(key)) number = json.at(key).get<Number>();
}

Budget read_budget(const Json& json) {
  Budget budget;
  read_number(json, "bytes", budget.bytes);
  read_number(json, "average_bits", budget.average_bits);
  read_number(json, "compression", budget.compression);
  read_number(json, "bops", budget.bops);
  read_number(json, "weight_bytes", budget.weight_bytes);
  read_number(json, "activation_bytes", budget.activation_bytes);
  read_number(json, "latency_us", budget.latency_us);
  return budget;
}

Json bits_json(int bits) { return bits == kFloatBits ? Json(kFloatText) : Json(bits); }

Json cost_json(const Cost& cost) {
  Json json{{"bytes", cost.bytes},
            {"average_bits", cost.average_bits},
            {"bops", cost.bops},
            {"weight_bytes", cost.weight_bytes}};
  if (cost.activation_bytes) json["activation_bytes"] = *cost.activation_bytes;
  if (cost.latency_us) json["latency_us"] = *cost.latency_us;
  return json;
}

Cost read_cost(const Json& json) {
  Cost cost;
  cost.bytes = json.value("bytes", std::int64_t{0});
  cost.average_bits = json.value("average_bits", 0.0);
  cost.bops = json.value("bops", std::int64_t{0});
  cost.weight_bytes = json.value("weight_bytes", std::int64_t{0});
  read_number(json, "activation_bytes", cost.activation_bytes);
  read_number(json, "latency_us", cost.latency_us);
  return cost;
}

Json layer_json(const AllocatedLayer& layer) {
  Json json;
  json["name"] = layer.name;
  json["weight_bits"] = bits_json(layer.weight_bits);
  json["activation_bits"] = bits_json(layer.activation_bits.value_or(kFloatBits));
  json["tie"] = layer.tie ? Json(*layer.tie) : Json(nullptr);
  return json;
}

/// What describes the rows but does not change them; people who edit by hand may drop any of it.
/// Calls `read` with a field of the file, if it is there. @throws DataError naming the field and
/// its value.
template <typename Read>
void read_field(const Json& json, std::string_view name, const Read& read) {
  const auto field = json.find(name);
  if (field == json.end()) return;
  try {
    read(*field);
  } catch (const nlohmann::json::exception&) {
    constexpr std::size_t kShown = 80;
    std::string value = field->dump(-1, ' ', true, Json::error_handler_t::replace);
    if (value.size() > kShown) value = value.substr(0, kShown) + "...";
    throw DataError(
        "allocation file",
        fmt::format("\"{}\" is {}, which 'ompq search' does not write; give a file that "
                    "it or 'ompq sweep' wrote",
                    name,
                    value));
  }
}

void read_records(const Json& json, AllocationFile& file) {
  read_field(json, "model", [&](const Json& model) {
    file.model_file = model.value("file", "");
    file.model_sha256 = model.value("sha256", "");
  });
  read_field(json, "accounting", [&](const Json& accounting) {
    if (accounting.get<std::string>() == "paper") file.accounting = Accounting::Paper;
  });
  read_field(json, "budget", [&](const Json& budget) {
    (void)budget.get_ref<const Json::object_t&>();  // throws for all else
    file.budget = read_budget(budget);
  });
  read_field(json, "cost", [&](const Json& cost) { file.cost = read_cost(cost); });
  read_field(json, "metric", [&](const Json& metric) { file.metric = metric.get<std::string>(); });
  read_field(json, "solver", [&](const Json& solver) {
    file.solver = SolverRecord{solver.value("name", ""),
                               solver.value("status", ""),
                               solver.value("objective", 0.0),
                               solver.value("gap", 0.0),
                               solver.value("seconds", 0.0)};
  });
}

/// @throws DataError unless `json` is an object of our format with an array of layers.
void require_format(const Json& json) {
  const auto fail = [](const std::string& what) { throw DataError("allocation file", what); };
  if (!json.is_object()) fail("the document is no JSON object");
  const auto format = json.find("format");
  if (format == json.end() || *format != kFormat) {
    fail(fmt::format("\"format\" is {}; it must be \"{}\"",
                     format == json.end() ? "missing" : format->dump(),
                     kFormat));
  }
  const auto layers = json.find("layers");
  if (layers == json.end() || !layers->is_array()) fail("\"layers\" is missing or no array");
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
      row.tie = request.layers[static_cast<std::size_t>(layer.tied_to)].name;
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
  json["accounting"] = name_of(file.accounting);
  json["budget"] = budget_json(file.budget);
  json["layers"] = Json::array();
  for (const AllocatedLayer& layer : file.layers) json["layers"].push_back(layer_json(layer));
  if (file.cost) json["cost"] = cost_json(*file.cost);
  json["metric"] = file.metric;
  if (file.solver) {
    json["solver"] = Json{{"name", file.solver->name},
                          {"status", file.solver->status},
                          {"objective", file.solver->objective},
                          {"gap", file.solver->gap},
                          {"seconds", file.solver->seconds}};
  }
  // Names come from model files and may hold any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

AllocationFile parse_allocation(std::string_view json, std::span<const LayerCost> layers) {
  try {
    const Json document = Json::parse(json);
    require_format(document);
    ErrorList errors;
    AllocationFile file;
    file.layers = match_rows(document.at("layers"), layers, errors);
    // Whether ties hold can only be said of rows that are all there.
    if (errors.empty()) {
      apply_ties(file.layers, layers, errors);
      check_shared_activations(file.layers, layers, errors);
    }
    errors.throw_if_any<DataError>("allocation file");
    read_records(document, file);
    return file;
  } catch (const nlohmann::json::parse_error& error) {
    throw DataError(
        "allocation file",
        fmt::format("is not valid JSON at byte {} of {}; give a file that 'ompq search' "
                    "or 'ompq sweep' wrote",
                    std::min(error.byte, json.size()),
                    json.size()));
  } catch (const nlohmann::json::exception&) {
    throw DataError("allocation file",
                    "a row of \"layers\" holds a value of another type than 'ompq search' writes; "
                    "give a file that it or 'ompq sweep' wrote");
  }
}

AllocationFile read_allocation(const std::filesystem::path& path,
                               std::span<const LayerCost> layers) {
  try {
    return parse_allocation(read_file(path), layers);
  } catch (const DataError& error) {
    const std::string message = error.what();
    throw DataError(path.string(), message.substr(message.find("] ") + 2));
  }
}

void write_allocation(const std::filesystem::path& path, const AllocationFile& file) {
  write_file_atomically(path, to_json(file));
}

}  // namespace ompq::allocation

#include "ompq/allocation/allocation_file.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/bit_width.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "ompq-allocation/1";
constexpr std::size_t kMaxProblemsShown = 20;

std::string_view name_of(Accounting accounting) {
  return accounting == Accounting::Paper ? "paper" : "disk";
}

/// Levenshtein: insertions, deletions and replacements that turn one name into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view nearest_name(std::string_view name, std::span<const LayerCost> layers) {
  std::string_view nearest;
  std::size_t least = static_cast<std::size_t>(-1);
  for (const LayerCost& layer : layers) {
    const std::size_t distance = edit_distance(name, layer.name);
    if (distance < least) least = distance, nearest = layer.name;
  }
  return nearest;
}

/// Everything that is wrong with a file, said at once.
class Complaints {
 public:
  void add(std::string complaint) { complaints_.push_back(std::move(complaint)); }
  [[nodiscard]] bool empty() const { return complaints_.empty(); }
  void throw_if_any() const {
    if (complaints_.empty()) return;
    std::string text = complaints_.size() == 1
                           ? complaints_.front()
                           : fmt::format("{} things are wrong:", complaints_.size());
    for (std::size_t c = 0; complaints_.size() > 1 && c < complaints_.size(); ++c) {
      if (c == kMaxProblemsShown) {
        text += fmt::format("\n  and {} more", complaints_.size() - c);
        break;
      }
      text += "\n  " + complaints_[c];
    }
    throw DataError("allocation file", text);
  }

 private:
  std::vector<std::string> complaints_;
};

/// A width from JSON, or nothing with a complaint.
std::optional<int> read_width(const Json& row,
                              const char* key,
                              const std::string& layer,
                              Complaints& complaints) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_number_integer()) {
    const auto width = found->get<std::int64_t>();
    if (width >= kMinBits && width <= kMaxBits) return static_cast<int>(width);
  }
  complaints.add(fmt::format("layer '{}': {} is {}; it must be a whole number in {}..{}",
                             layer,
                             key,
                             found == row.end() ? "missing" : found->dump(),
                             kMinBits,
                             kMaxBits));
  return std::nullopt;
}

std::optional<int> read_activation_bits(const Json& row,
                                        const std::string& layer,
                                        Complaints& complaints) {
  const auto found = row.find("activation_bits");
  if (found == row.end() || found->is_null() || *found == "float") return std::nullopt;
  return read_width(row, "activation_bits", layer, complaints);
}

AllocatedLayer read_row(const Json& row, std::size_t index, Complaints& complaints) {
  AllocatedLayer layer;
  const auto name = row.is_object() ? row.find("name") : row.end();
  if (!row.is_object() || name == row.end() || !name->is_string()) {
    complaints.add(fmt::format("row {} of 'layers' has no \"name\"", index));
    return layer;
  }
  layer.name = name->get<std::string>();
  layer.weight_bits = read_width(row, "weight_bits", layer.name, complaints).value_or(kMaxBits);
  layer.activation_bits = read_activation_bits(row, layer.name, complaints);
  return layer;
}

/// Rows in the model's order; complains about what is unknown, missing or there twice.
std::vector<AllocatedLayer> match_rows(const Json& rows,
                                       std::span<const LayerCost> layers,
                                       Complaints& complaints) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t l = 0; l < layers.size(); ++l) index_of.emplace(layers[l].name, l);
  std::vector<std::optional<AllocatedLayer>> found(layers.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    AllocatedLayer row = read_row(rows[r], r, complaints);
    if (row.name.empty()) continue;
    const auto at = index_of.find(row.name);
    if (at == index_of.end()) {
      complaints.add(fmt::format(
          "unknown layer '{}'; did you mean '{}'?", row.name, nearest_name(row.name, layers)));
    } else if (found[at->second]) {
      complaints.add(fmt::format("layer '{}' is there twice", row.name));
    } else {
      found[at->second] = std::move(row);
    }
  }
  std::vector<AllocatedLayer> matched;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (!found[l]) complaints.add(fmt::format("layer '{}' is missing", layers[l].name));
    matched.push_back(found[l].value_or(AllocatedLayer{layers[l].name, kMaxBits, {}, {}}));
  }
  return matched;
}

void apply_ties(std::vector<AllocatedLayer>& rows,
                std::span<const LayerCost> layers,
                Complaints& complaints) {
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].tied_to == kUntied) continue;
    const AllocatedLayer& leader = rows[static_cast<std::size_t>(layers[l].tied_to)];
    rows[l].tie = leader.name;
    if (rows[l].weight_bits == leader.weight_bits) continue;
    complaints.add(
        fmt::format("layer '{}' has {} bits, but '{}', to which it is tied, has {}; "
                    "tied layers need equal widths",
                    rows[l].name,
                    rows[l].weight_bits,
                    leader.name,
                    leader.weight_bits));
  }
}

Json budget_json(const Budget& budget) {
  Json json = Json::object();
  if (budget.bytes) json["bytes"] = *budget.bytes;
  if (budget.average_bits) json["average_bits"] = *budget.average_bits;
  if (budget.compression) json["compression"] = *budget.compression;
  if (budget.bops) json["bops"] = *budget.bops;
  return json;
}

Budget read_budget(const Json& json) {
  Budget budget;
  if (json.contains("bytes")) budget.bytes = json.at("bytes").get<std::int64_t>();
  if (json.contains("average_bits")) budget.average_bits = json.at("average_bits").get<double>();
  if (json.contains("compression")) budget.compression = json.at("compression").get<double>();
  if (json.contains("bops")) budget.bops = json.at("bops").get<double>();
  return budget;
}

Json layer_json(const AllocatedLayer& layer) {
  Json json;
  json["name"] = layer.name;
  json["weight_bits"] = layer.weight_bits;
  if (layer.activation_bits) {
    json["activation_bits"] = *layer.activation_bits;
  } else {
    json["activation_bits"] = "float";
  }
  json["tie"] = layer.tie ? Json(*layer.tie) : Json(nullptr);
  return json;
}

/// What describes the rows but does not change them; people who edit by hand may drop any of it.
void read_records(const Json& json, AllocationFile& file) {
  if (json.contains("model")) {
    file.model_file = json.at("model").value("file", "");
    file.model_sha256 = json.at("model").value("sha256", "");
  }
  if (json.value("accounting", "disk") == "paper") file.accounting = Accounting::Paper;
  if (json.contains("budget")) file.budget = read_budget(json.at("budget"));
  if (json.contains("cost")) {
    const Json& cost = json.at("cost");
    file.cost = Cost{cost.value("bytes", std::int64_t{0}),
                     cost.value("average_bits", 0.0),
                     cost.value("bops", std::int64_t{0})};
  }
  file.metric = json.value("metric", "");
  if (json.contains("solver")) {
    const Json& solver = json.at("solver");
    file.solver = SolverRecord{solver.value("name", ""),
                               solver.value("status", ""),
                               solver.value("objective", 0.0),
                               solver.value("gap", 0.0),
                               solver.value("seconds", 0.0)};
  }
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
    AllocatedLayer row{layer.name, allocation.weight_bits[l], allocation.activation_bits[l], {}};
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
  if (file.cost) {
    json["cost"] = Json{{"bytes", file.cost->bytes},
                        {"average_bits", file.cost->average_bits},
                        {"bops", file.cost->bops}};
  }
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
    Complaints complaints;
    AllocationFile file;
    file.layers = match_rows(document.at("layers"), layers, complaints);
    // Whether ties hold can only be said of rows that are all there.
    if (complaints.empty()) apply_ties(file.layers, layers, complaints);
    complaints.throw_if_any();
    read_records(document, file);
    return file;
  } catch (const nlohmann::json::exception& error) {
    throw DataError("allocation file", fmt::format("it cannot be read as JSON: {}", error.what()));
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

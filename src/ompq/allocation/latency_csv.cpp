#include "ompq/allocation/latency_csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/bit_width.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/core/error_list.h"
#include "ompq/core/nearest_name.h"

namespace ompq::allocation {
namespace {

constexpr std::string_view kHeader = "layer,weight_bits,activation_bits,microseconds";
constexpr std::string_view kFloatColumn = "float";
/// Upper limit of a time, so that sums over many layers do not overflow.
constexpr double kLongestUs = 1e11;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The fields of one line; nullopt if a quotation mark is not closed or is misplaced.
std::optional<std::vector<std::string>> split_fields(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    std::string field;
    line = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.starts_with('"')) {
      const std::size_t end = line.find(',');
      fields.emplace_back(trimmed(line.substr(0, end)));
      if (end == std::string_view::npos) return fields;
      line.remove_prefix(end + 1);
      continue;
    }
    line.remove_prefix(1);
    while (true) {
      const std::size_t quote = line.find('"');
      if (quote == std::string_view::npos) return std::nullopt;
      field += line.substr(0, quote);
      line.remove_prefix(quote + 1);
      if (!line.starts_with('"')) break;
      field += '"';
      line.remove_prefix(1);
    }
    fields.push_back(std::move(field));
    line = trimmed(line);
    if (line.empty()) return fields;
    if (!line.starts_with(',')) return std::nullopt;
    line.remove_prefix(1);
  }
}

std::optional<int> parse_width(std::string_view text) {
  if (text == kFloatColumn) return kFloatBits;
  int width = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return width >= kMinBits && width <= kMaxBits ? std::optional(width) : std::nullopt;
}

std::optional<std::int64_t> parse_nanoseconds(std::string_view text) {
  double time = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(time) || time < 0 || time > kLongestUs) return std::nullopt;
  return std::llround(time * 1e3);
}

std::string width_text(int width) {
  return width == kFloatBits ? std::string(kFloatColumn) : std::to_string(width);
}

/// The name on one line, as a field.
std::string quoted(const std::string& raw) {
  const std::string name = display_text(raw);
  const bool plain = name.find_first_of(",\" \t") == std::string::npos;
  if (plain && !name.empty()) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

/// Reads line by line and collects all errors.
class TableReader {
 public:
  explicit TableReader(std::span<const LayerCost> layers) {
    table_.layers.resize(layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      names_.push_back(layers[l].name);
      index_of_.emplace(display_text(names_.back()), l);
    }
  }

  void read(std::string_view line, std::size_t number) {
    const auto complain = [&](const std::string& what) {
      errors_.add(fmt::format("line {}: {}", number, what));
    };
    const auto fields = split_fields(line);
    if (!fields) return complain("a quotation mark is not closed or is inside a field");
    if (fields->size() != 4) {
      return complain(fmt::format("{} fields; there must be 4: {}", fields->size(), kHeader));
    }
    const auto found = index_of_.find(display_text((*fields)[0]));
    if (found == index_of_.end()) {
      complain(fmt::format("unknown layer '{}'; did you mean '{}'?",
                           (*fields)[0],
                           nearest_name((*fields)[0], names_)));
    }
    const auto weight = parse_width((*fields)[1]);
    const auto activation = parse_width((*fields)[2]);
    for (const std::size_t f : {std::size_t{1}, std::size_t{2}}) {
      if (f == 1 ? weight : activation) continue;
      complain(fmt::format(
          "'{}' is not a width; it must be {}..{} or float", (*fields)[f], kMinBits, kMaxBits));
    }
    const auto time = parse_nanoseconds((*fields)[3]);
    if (!time) {
      complain(fmt::format("'{}' is not a time in microseconds; it must be a number, 0 or more",
                           (*fields)[3]));
    }
    if (found != index_of_.end() && weight && activation && time) {
      add(found->second, {*weight, *activation, *time}, number);
    }
  }

  void complain(std::string what) { errors_.add(std::move(what)); }
  LatencyTable finish() {
    errors_.throw_if_any<DataError>("latency table");
    return std::move(table_);
  }

 private:
  void add(std::size_t layer, const LatencyEntry& entry, std::size_t number) {
    auto& entries = table_.layers[layer];
    if (table_.nanoseconds(layer, entry.weight_bits, entry.activation_bits)) {
      errors_.add(
          fmt::format("line {}: layer '{}' with weights {} and activations {} is listed "
                      "twice",
                      number,
                      names_[layer],
                      width_text(entry.weight_bits),
                      width_text(entry.activation_bits)));
      return;
    }
    entries.push_back(entry);
  }

  LatencyTable table_;
  std::vector<std::string_view> names_;
  std::unordered_map<std::string, std::size_t> index_of_;
  ErrorList errors_;
};

/// Calls `visit(layer, weight width, activation width)` for every combination that may be chosen.
template <typename Visit>
void for_each_pair(const AllocationRequest& request, Visit visit) {
  const auto weights = candidates_of(request);
  const auto tensors = activation_candidates_of(request);
  const auto fixed = fixed_activation_bits(request);
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const std::int32_t tensor = request.layers[l].activation;
    const std::vector<int> activations = tensor == kNoActivation
                                             ? std::vector<int>{fixed[l]}
                                             : tensors[static_cast<std::size_t>(tensor)];
    for (const int w : weights[l]) {
      for (const int a : activations) visit(l, w, a);
    }
  }
}

}  // namespace

LatencyTable parse_latency_table(std::string_view csv, std::span<const LayerCost> layers) {
  TableReader reader(layers);
  bool header_seen = false;
  for (std::size_t number = 1; !csv.empty(); ++number) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    const std::string_view line = trimmed(csv.substr(0, end));
    csv.remove_prefix(std::min(end + 1, csv.size()));
    if (line.empty()) continue;
    if (header_seen) {
      reader.read(line, number);
      continue;
    }
    header_seen = true;
    if (line != kHeader) {
      throw DataError("latency table",
                      fmt::format("line {} is '{}'; it must be '{}'", number, line, kHeader));
    }
  }
  if (!header_seen) {
    throw DataError("latency table", fmt::format("it is empty; it must start with '{}'", kHeader));
  }
  return reader.finish();
}

LatencyTable read_latency_table(const std::filesystem::path& path,
                                std::span<const LayerCost> layers) {
  try {
    return parse_latency_table(read_file(path), layers);
  } catch (const DataError& error) {
    throw DataError(path.string(), lines_of(error.reason()));
  }
}

void require_latencies(const AllocationRequest& request) {
  ErrorList errors;
  for_each_pair(request, [&](std::size_t l, int w, int a) {
    if (request.latency.nanoseconds(l, w, a)) return;
    errors.add(fmt::format("layer '{}' with weights {} and activations {} is missing",
                           request.layers[l].name,
                           width_text(w),
                           width_text(a)));
  });
  errors.throw_if_any<DataError>("latency table");
}

std::string latency_template(const AllocationRequest& request) {
  std::string csv(kHeader);
  csv += '\n';
  for_each_pair(request, [&](std::size_t l, int w, int a) {
    const auto time = request.latency.nanoseconds(l, w, a);
    csv += fmt::format("{},{},{},{}\n",
                       quoted(request.layers[l].name),
                       width_text(w),
                       width_text(a),
                       time ? fmt::format("{:.3f}", static_cast<double>(*time) / 1e3) : "");
  });
  return csv;
}

}  // namespace ompq::allocation

#include "ompq/tables/diagnosis_tables.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/display_text.h"
#include "ompq/tables/result_texts.h"
#include "ompq/tables/table.h"

namespace ompq::tables {
namespace {

constexpr std::size_t kShownOffenders = 5;

std::string decibels(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f}", *value) : "-";
}

std::string width_text(const std::optional<int>& bits) {
  return bits ? std::to_string(*bits) : "float";
}

std::string layer_table(const report::Diagnosis& diagnosis) {
  const auto& layers = diagnosis.layers;
  const bool widths = std::any_of(layers.begin(), layers.end(), [](const auto& layer) {
    return layer.weight_bits || layer.activation_bits;
  });
  std::vector<Table::Column> columns{{"layer"}, {"operator"}};
  if (widths) columns.push_back({"bits", Align::Right});
  for (const char* title : {"before", "after", "weights", "input", "gain"}) {
    columns.push_back({title, Align::Right});
  }
  Table table(std::move(columns));
  for (const auto& layer : layers) {
    std::vector<std::string> cells{layer.name, layer.op_type};
    if (widths) {
      cells.push_back(width_text(layer.weight_bits) + "/" + width_text(layer.activation_bits));
    }
    for (const auto& value : {layer.snr_before_db,
                              layer.snr_after_db,
                              layer.weight_snr_db,
                              layer.input_snr_db,
                              layer.gain_db}) {
      cells.push_back(decibels(value));
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string offender_text(const report::Diagnosis& diagnosis) {
  std::vector<std::string> texts;
  for (const report::LayerDiagnosis* layer : report::offenders(diagnosis)) {
    if (texts.size() == kShownOffenders || *layer->gain_db <= 0) break;
    texts.push_back(fmt::format("{} {:+.1f} dB", display_name(layer->name), *layer->gain_db));
  }
  return texts.empty() ? "" : fmt::format("top offenders: {}\n", fmt::join(texts, ", "));
}

std::string snr_cell(const report::DiffRow& row) {
  if (!row.finite) return "not finite";
  if (row.equal) return "equal";
  return decibels(row.snr_db);
}

std::string list_text(const std::string& file, const std::vector<std::string>& layers) {
  if (layers.empty()) return "";
  return fmt::format(
      "only in {}: {}\n", display_text(file), fmt::join(display_names(layers), ", "));
}

std::string parting_text(const report::Diff& diff) {
  const report::DiffRow* first = report::first_diverged(diff);
  if (first == nullptr) {
    return fmt::format("no value below {:g} dB\n", diff.threshold_db);
  }
  const report::DiffRow& row = *first;
  const std::string ratio = row.snr_db ? fmt::format("{:.1f} dB", *row.snr_db) : snr_cell(row);
  return fmt::format("they first diverge at {} '{}': {}, below {:g} dB\n",
                     row.op_type == "output" ? "output" : "layer",
                     display_name(row.layer),
                     ratio,
                     diff.threshold_db);
}

}  // namespace

std::string diagnosis_text(const report::Diagnosis& diagnosis) {
  std::string text = layer_table(diagnosis);
  text += fmt::format(
      "signal-to-noise ratios in dB over {} samples: of the layer's output before (nearest "
      "rounding) and after; with noise only of its weights and only of its input; gain: of the "
      "output if the layer were float\n",
      diagnosis.samples);
  text += fmt::format("output: {} dB before, {} dB after\n",
                      decibels(diagnosis.output_snr_before_db),
                      decibels(diagnosis.output_snr_after_db));
  text += offender_text(diagnosis);
  for (const report::Advice& advice : diagnosis.advice) {
    const std::string place = advice.layer.empty() ? "" : display_name(advice.layer) + ": ";
    text += fmt::format(
        "- {}{}; {}\n", place, display_text(advice.finding), display_text(advice.remedy));
  }
  return text;
}

std::string diff_text(const report::Diff& diff) {
  const bool same_names =
      std::all_of(diff.rows.begin(), diff.rows.end(), [](const report::DiffRow& row) {
        return row.layer == row.layer_b;
      });
  std::vector<Table::Column> columns{{"layer"}};
  if (!same_names) columns.push_back({"in B"});
  columns.push_back({"operator"});
  columns.push_back({"matched by"});
  for (const char* title : {"SNR dB", "cosine", "largest difference"}) {
    columns.push_back({title, Align::Right});
  }
  Table table(std::move(columns));
  for (const report::DiffRow& row : diff.rows) {
    std::vector<std::string> cells{row.layer};
    if (!same_names) cells.push_back(row.layer_b);
    cells.insert(cells.end(),
                 {row.op_type,
                  row.matched_by,
                  snr_cell(row),
                  row.cosine ? fmt::format("{:.6f}", *row.cosine) : "-",
                  row.finite ? fmt::format("{:.4g}", row.largest_difference) : "-"});
    table.add_row(std::move(cells));
  }
  std::string text = table.text();
  text += list_text(diff.a.file, diff.only_in_a) + list_text(diff.b.file, diff.only_in_b);
  text += parting_text(diff);
  if (diff.agreement) text += fmt::format("same best class: {}\n", percent(diff.agreement));
  return text + fmt::format("{}, {:.1f} s\n", samples_text(diff.samples), diff.seconds);
}

}  // namespace ompq::tables

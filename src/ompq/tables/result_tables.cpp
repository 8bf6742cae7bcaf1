#include "ompq/tables/result_tables.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/display_text.h"
#include "ompq/tables/result_texts.h"
#include "ompq/tables/table.h"

namespace ompq::tables {
namespace {

/// "11.7 M", "270 k".
std::string count_text(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.1f} k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

constexpr int kFloatBits = 32;

std::string compression_text(double compression) { return fmt::format("{:.1f}x", compression); }

/// "auto", or "auto (for orm)" if orm was requested but cannot be used.
template <typename Row>
std::string answerer_text(const Row& row) {
  return row.requested.empty() ? row.allocator
                               : fmt::format("{} (for {})", row.allocator, row.requested);
}

std::string bits_table(const report::Search& search) {
  std::vector<Table::Column> columns{
      {"layer"}, {"operator"}, {"weights", Align::Right}, {"MACs", Align::Right}};
  const bool tied = std::any_of(search.layers.begin(), search.layers.end(), [](const auto& layer) {
    return !layer.tied_to.empty();
  });
  if (tied) columns.push_back({"follows"});
  if (!search.gamma.empty()) columns.push_back({"gamma", Align::Right});
  for (const auto& row : search.allocations) {
    if (is_answer(row)) columns.push_back({answerer_text(row), Align::Right});
  }
  Table table(std::move(columns));
  for (std::size_t l = 0; l < search.layers.size(); ++l) {
    const report::LayerRow& layer = search.layers[l];
    std::vector<std::string> cells{layer.name,
                                   layer.op_type,
                                   count_text(static_cast<double>(layer.weights)),
                                   count_text(static_cast<double>(layer.macs))};
    if (tied) cells.push_back(layer.tied_to);
    if (!search.gamma.empty()) cells.push_back(fmt::format("{:.2f}", search.gamma[l]));
    for (const auto& row : search.allocations) {
      if (is_answer(row)) cells.push_back(std::to_string(row.weight_bits[l]));
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

std::string cost_table(const report::Search& search) {
  const std::string loss = search.losses.empty() ? "loss" : search.losses.front().metric;
  Table table({{"allocation"},
               {"bits/weight", Align::Right},
               {"file", Align::Right},
               {"paper's size", Align::Right},
               {"GBOPs", Align::Right},
               {loss, Align::Right},
               {"solver"}});
  for (const auto& row : search.allocations) {
    if (!is_answer(row)) continue;
    table.add_row({answerer_text(row),
                   fmt::format("{:.3f}", row.average_bits),
                   format_bytes(row.bytes),
                   fmt::format("{:.3f} MiB", row.paper_mib),
                   fmt::format("{:.3f}", row.gbops),
                   row.predicted_loss ? fmt::format("{:.4g}", *row.predicted_loss) : "-",
                   fmt::format("{}, {}", row.solver.name, row.solver.status)});
  }
  return table.text();
}

std::string refusals(const report::Search& search) {
  std::string text;
  for (const auto& row : search.allocations) {
    if (!is_answer(row))
      text += fmt::format(
          "{} has no solution: {}\n", display_name(row.allocator), display_text(row.refused));
  }
  return text;
}

/// The loss, and how many sizes were tried.
std::string loss_target_text(const report::LossTarget& target) {
  std::string text = fmt::format("smallest file within --max-loss {:g}, of {} sizes: loses ",
                                 target.max_loss,
                                 target.trials.size());
  if (!target.lower || !target.upper || !target.samples) {
    return text + fmt::format("{:.4g} ({})\n", target.loss, target.measure);
  }
  return text + fmt::format("{:.2f} (95 % interval {:.2f} to {:.2f}; {}) on {} samples\n",
                            target.loss,
                            *target.lower,
                            *target.upper,
                            target.measure,
                            *target.samples);
}

/// The five best candidates, and the refinement of the best one.
std::string portfolio_text(const report::Portfolio& portfolio) {
  auto candidates = portfolio.candidates;
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.divergence < b.divergence;
  });
  constexpr std::size_t kShown = 5;
  std::string text = fmt::format("auto tried {} allocations: ", candidates.size());
  for (std::size_t i = 0; i < std::min(kShown, candidates.size()); ++i) {
    text += fmt::format("{}{} {:.4g}",
                        i > 0 ? ", " : "",
                        display_name(candidates[i].origin),
                        candidates[i].divergence);
  }
  if (portfolio.steps.size() > 1) {
    text += fmt::format("\nrefined in {} steps: {:.4g} -> {:.4g}",
                        portfolio.steps.size() - 1,
                        portfolio.steps.front(),
                        portfolio.steps.back());
  }
  for (std::size_t i = 0; i < portfolio.checked.size(); ++i) {
    const auto& row = portfolio.checked[i];
    text += fmt::format("{}{} {:.4g} +- {:.2g}",
                        i > 0 ? ", " : "\nchecked on new samples: ",
                        display_name(row.origin),
                        row.divergence,
                        row.standard_error);
  }
  text += fmt::format("\nchose {} ({})", display_name(portfolio.winner), portfolio.measure);
  if (portfolio.passes) {
    text += fmt::format("\ncost: {:.3g} forward passes over 256 samples", *portfolio.passes);
  }
  if (!portfolio.left_out.empty()) {
    text += fmt::format("\nleft out by the time limit: {}",
                        fmt::join(display_names(portfolio.left_out), ", "));
  } else if (portfolio.time_limit_struck) {
    text += "; stopped by the time limit";
  }
  return text + "\n";
}

}  // namespace

namespace {

std::string widths_text(const std::vector<int>& widths) {
  std::vector<std::string> words;
  for (const int width : widths) {
    words.push_back(width == kFloatBits ? "float" : std::to_string(width));
  }
  const bool same = std::ranges::all_of(words, [&](const auto& word) { return word == words[0]; });
  return same ? words.front() : fmt::format("{}", fmt::join(words, " "));
}

/// A node that is not quantized, or not run.
template <typename Row>
std::string node_line(const Row& row) {
  return fmt::format("  {} ({}): {}\n",
                     display_name(row.name),
                     display_name(row.op_type),
                     display_text(row.reason));
}

std::string making_text(const report::FileQuantization& made) {
  return fmt::format(
      "  made by ompq {} from the float network with SHA-256 {}\n"
      "  budget           {}\n"
      "  weight bits      {}\n"
      "  activation bits  {}\n",
      display_name(made.version),
      display_name(made.float_sha256),
      made.budget.empty() ? "none" : display_name(made.budget),
      widths_text(made.weight_bits),
      widths_text(made.activation_bits));
}

}  // namespace

std::string inspection_text(const report::Inspection& inspection) {
  std::string text = fmt::format("{}: {}, opset {}\n",
                                 display_text(inspection.model.file),
                                 format_bytes(inspection.model.bytes),
                                 inspection.opset);
  for (const auto& [name, shape] : inspection.inputs) {
    text += fmt::format("  input   {}  {}\n", display_name(name), display_name(shape));
  }
  for (const auto& [name, shape] : inspection.outputs) {
    text += fmt::format("  output  {}  {}\n", display_name(name), display_name(shape));
  }
  if (inspection.quantization) text += making_text(*inspection.quantization);
  for (const auto& [key, value] : inspection.metadata) {
    if (inspection.quantization && key.starts_with("ompq.")) continue;
    text += fmt::format("  {}  {}\n", display_name(key), display_name(value));
  }
  Table table({{"layer"},
               {"operator"},
               {"weights", Align::Right},
               {"parameters", Align::Right},
               {"MACs", Align::Right},
               {"output"},
               {"follows"},
               {"block"}});
  for (const auto& layer : inspection.layers) {
    table.add_row({layer.name,
                   layer.op_type,
                   std::to_string(layer.weights),
                   std::to_string(layer.paper_parameters),
                   std::to_string(layer.macs),
                   layer.output_shape,
                   layer.tied_to,
                   layer.block});
  }
  text += fmt::format("\n{}", table.text());
  const auto tied = std::count_if(inspection.layers.begin(),
                                  inspection.layers.end(),
                                  [](const auto& layer) { return !layer.tied_to.empty(); });
  text += fmt::format(
      "\n{} layers ({} tied to another one), {} blocks, {} parameters, {} MACs for one sample\n",
      inspection.layers.size(),
      tied,
      inspection.blocks.size(),
      count_text(static_cast<double>(inspection.parameters)),
      count_text(static_cast<double>(inspection.macs)));
  std::vector<std::string> float_inputs;
  for (const auto& layer : inspection.layers) {
    if (layer.float_input) float_inputs.push_back(display_name(layer.name));
  }
  if (!float_inputs.empty()) {
    text += fmt::format("\ninputs that always stay float: {}\n", fmt::join(float_inputs, ", "));
  }
  if (!inspection.not_quantizable.empty()) {
    text += "\nstays in float:\n";
    for (const auto& row : inspection.not_quantizable) {
      text += node_line(row);
    }
  }
  if (!inspection.copied.empty()) {
    text += "\nnot run, copied to written files unchanged:\n";
    for (const auto& row : inspection.copied) {
      text += node_line(row);
    }
  }
  return text;
}

std::string search_text(const report::Search& search) {
  std::string text =
      fmt::format("{}: {} layers, budget {}, {}, activations {}\n\n",
                  display_text(search.model.file),
                  search.layers.size(),
                  search.budget,
                  samples_text(search.samples),
                  search.activation_bits == "float" ? "float" : search.activation_bits + " bits");
  text += bits_table(search) + "\n" + cost_table(search) + refusals(search);
  if (search.loss_target) text += fmt::format("\n{}", loss_target_text(*search.loss_target));
  if (search.portfolio) text += fmt::format("\n{}", portfolio_text(*search.portfolio));
  return text + "\n" + seconds_text(search.seconds) + "\n";
}

namespace {

/// The effect of rounding, in two lines.
std::string reconstruction_text(const report::Reconstruction& made) {
  double before = 0;
  double after = 0;
  for (const auto& block : made.blocks) {
    before += block.snr_before_db;
    after += block.snr_after_db;
  }
  const auto count = static_cast<double>(std::max<std::size_t>(made.blocks.size(), 1));
  std::string text = fmt::format("\n{} with {} samples", made.method, made.samples);
  if (!made.blocks.empty()) {
    text += fmt::format(": {} {}s at {:.1f} dB on average, {:.1f} dB before",
                        made.blocks.size(),
                        made.unit.empty() ? "block" : made.unit,
                        after / count,
                        before / count);
  }
  if (made.restoration) {
    text += fmt::format("\nbiases and norms: outputs at {:.1f} dB, {:.1f} dB before{}",
                        made.restoration->snr_after_db,
                        made.restoration->snr_before_db,
                        made.restoration->kept_initial ? ", not kept" : "");
  }
  if (made.distillation) {
    text += fmt::format("\nwhole network, {} steps: loss {:.4g} -> {:.4g}{}",
                        made.distillation->steps,
                        made.distillation->loss_before,
                        made.distillation->loss_after,
                        made.distillation->kept_initial ? ", not kept" : "");
  }
  if (made.cache_file_bytes > 0) {
    text +=
        fmt::format("\nup to {} of activations in a temporary file, which did not fit into memory",
                    format_bytes(made.cache_file_bytes));
  }
  return text + "\n";
}

std::string integer_kernels_text(const report::IntegerKernels& kernels) {
  std::vector<std::string> types;
  for (const auto& [op_type, nodes] : kernels.float_operators) {
    types.push_back(fmt::format("{} ({})", display_name(op_type), nodes.size()));
  }
  return fmt::format("{} of {} layers run on integers; float between them: {}\n",
                     kernels.integer_layers,
                     kernels.layers,
                     types.empty() ? "none" : fmt::format("{}", fmt::join(types, ", ")));
}

}  // namespace

std::string quantization_text(const report::Quantization& quantization) {
  const bool labelled = quantization.float_evaluation.top1.has_value();
  Table table({{"network"},
               {"rounding"},
               {labelled ? "top-1" : "agreement", Align::Right},
               {labelled ? "agreement" : "divergence", Align::Right},
               {"SNR", Align::Right},
               {"bits/weight", Align::Right},
               {"file", Align::Right},
               {"bytes", Align::Right},
               {"compression", Align::Right}});
  const auto& model = quantization.search.model;
  table.add_row({"float",
                 "-",
                 labelled ? percent(quantization.float_evaluation.top1) : "-",
                 "-",
                 "-",
                 "32",
                 format_bytes(model.bytes),
                 std::to_string(model.bytes),
                 "1.0x"});
  for (const auto& row : quantization.networks) {
    const auto& evaluation = row.evaluation;
    const std::string divergence =
        evaluation.divergence ? fmt::format("{:.4f}", *evaluation.divergence) : "-";
    table.add_row({answerer_text(row),
                   row.method,
                   percent(labelled ? evaluation.top1 : evaluation.agreement),
                   labelled ? percent(evaluation.agreement) : divergence,
                   evaluation.snr_db ? fmt::format("{:.1f} dB", *evaluation.snr_db) : "-",
                   fmt::format("{:.3f}", row.average_bits),
                   format_bytes(row.bytes_on_disk),
                   std::to_string(row.bytes_on_disk),
                   compression_text(row.compression)});
  }
  std::string text =
      fmt::format("{}: budget {}, activations {}\ncalibrated with {}\nmeasured on {}\n\n",
                  display_text(model.file),
                  quantization.search.budget,
                  quantization.search.activation_bits,
                  samples_text(quantization.search.samples),
                  samples_text(quantization.evaluated_on));
  text += table.text() + refusals(quantization.search);
  if (const auto& target = quantization.search.loss_target) text += loss_target_text(*target);
  if (quantization.reconstruction) text += reconstruction_text(*quantization.reconstruction);
  if (quantization.integer_kernels) text += integer_kernels_text(*quantization.integer_kernels);
  return text + "\n" + seconds_text(quantization.seconds) + "\n";
}

std::string evaluation_text(const report::Evaluation& evaluation) {
  std::string text = fmt::format("samples      {}\n", evaluation.samples);
  if (evaluation.skipped > 0) text += fmt::format("skipped      {} broken\n", evaluation.skipped);
  if (evaluation.top1) text += fmt::format("top-1        {}\n", percent(evaluation.top1));
  if (evaluation.top5) text += fmt::format("top-5        {}\n", percent(evaluation.top5));
  if (evaluation.agreement) {
    text += fmt::format("agreement    {}\n", percent(evaluation.agreement));
  }
  if (evaluation.divergence)
    text += fmt::format("divergence   {:.6f} nats\n", *evaluation.divergence);
  if (evaluation.snr_db) text += fmt::format("SNR          {:.2f} dB\n", *evaluation.snr_db);
  if (evaluation.quality) text += fmt::format("quality      {:g}\n", *evaluation.quality);
  return text +
         fmt::format("seconds      {:.2f} ({:.0f} samples/s)\n",
                     evaluation.seconds,
                     static_cast<double>(evaluation.samples) / std::max(evaluation.seconds, 1e-9));
}

}  // namespace ompq::tables

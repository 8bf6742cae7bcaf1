#include "report/sample_runs.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/report/json.h"

namespace ompq::testing {
namespace {

const std::vector<std::string> kBudgets{"2.50 bits a weight", "3.00 bits a weight"};
const std::vector<std::string> kAllocators{"auto", "output-mse", "fisher", "orm", "uniform"};
const std::vector<int> kWidths{2, 3, 4, 5, 6, 7, 8};

report::ModelFile model() { return {"networks/sample.onnx", std::string(64, 'a'), 1100000}; }

report::SamplesUsed samples(std::int64_t count) {
  return {.source = "images", .split = "test", .count = count, .skipped = 1, .seed = 7};
}

std::vector<report::LayerRow> layers(const std::vector<std::string>& names) {
  std::vector<report::LayerRow> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto channels = static_cast<std::int64_t>(16 << (3 * i / names.size()));
    rows.push_back({.name = names[i],
                    .op_type = i + 1 == names.size() ? "Gemm" : "Conv",
                    .weights = channels * channels * 9,
                    .biases = channels,
                    .paper_parameters = channels * channels * 9 + 2 * channels,
                    .macs = channels * channels * 9 * 196,
                    .output_shape = fmt::format("Nx{}x14x14", channels),
                    .feature_size = channels * 196,
                    .tied_to = i == 5 ? names[4] : "",
                    .block = fmt::format("block{}", i / 2)});
  }
  return rows;
}

/// 2..8, differing from layer to layer and from `shift` to `shift`.
std::vector<int> bits(std::size_t count, std::size_t shift) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < count; ++i) {
    widths.push_back(i == 0 ? 8 : 2 + static_cast<int>((i * 5 + shift) % 4));
  }
  return widths;
}

report::Evaluation evaluation(double top1) {
  return {.samples = 10000,
          .classes = 10,
          .top1 = top1,
          .top5 = 0.99,
          .agreement = top1 + 0.03,
          .divergence = 0.96 - top1,
          .snr_db = 12.5,
          .seconds = 4};
}

std::vector<report::LossRows> losses(std::size_t count) {
  std::vector<report::LossRows> all;
  for (const char* metric : {"output-mse", "output-kl"}) {
    report::LossRows loss{metric, "nats", kWidths, {}};
    for (std::size_t i = 0; i < count; ++i) {
      for (const int width : kWidths) {
        const double worst = 0.1 / static_cast<double>(1 + i % 7);
        loss.values.push_back(worst * std::pow(0.25, width - 2));
      }
    }
    all.push_back(std::move(loss));
  }
  return all;
}

report::Portfolio portfolio(std::size_t count) {
  report::Portfolio result{.winner = "output-mse",
                           .steps = {0.02, 0.018, 0.017},
                           .measure = "mean Kullback-Leibler divergence, nats",
                           .evaluations = 40,
                           .passes = 21.5,
                           .left_out = {"measuring hessian", "refinement"}};
  result.candidates = {{"output-mse", bits(count, 0), 0.02},
                       {"orm (beta 1)", bits(count, 1), 0.3},
                       {"uniform", bits(count, 2), 0.05}};
  result.checked = {{"output-mse", 0.025, 0.003}, {"uniform", 0.06, 0.005}};
  result.samples = report::Portfolio::Roles{
      .rounding = 64, .measuring = 32, .ranking = 32, .refining = 64, .checking = 64};
  return result;
}

report::AllocationRow allocation(const std::string& name, std::size_t count, std::size_t shift) {
  return {.allocator = name,
          .weight_bits = bits(count, shift),
          .average_bits = 3,
          .bytes = 120000 + static_cast<std::int64_t>(shift) * 100,
          .paper_mib = 0.1,
          .gbops = 0.83,
          .predicted_loss = 0.01 * static_cast<double>(shift + 1),
          .solver = {"labels", "optimal", 0.01, 0, 0.02}};
}

report::Search search(const std::vector<std::string>& names) {
  report::Search result{.model = model(),
                        .samples = samples(64),
                        .budget = kBudgets[1],
                        .accounting = "disk",
                        .scheme = "default",
                        .precision = "bfloat16",
                        .activation_bits = "8",
                        .layers = layers(names),
                        .estimator = "biased",
                        .beta = 1};
  result.provenance = {"ompq quantize sample.onnx --data 'my images' --avg-bits 3 -o small.onnx",
                       {{"ompq", "0.1.0"}, {"LibTorch", "1.13.0"}}};
  const auto count = names.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      const double apart = std::abs(static_cast<double>(i) - static_cast<double>(j));
      result.orm.push_back(std::exp(-apart / 9));
    }
    result.gamma.push_back(static_cast<double>(i) / 3);
    result.theta.push_back(std::exp(-static_cast<double>(i) / 3));
    result.coefficients.push_back(1.0 / static_cast<double>(i + 1));
  }
  result.losses = losses(count);
  result.portfolio = portfolio(count);
  result.loss_target = report::LossTarget{.max_loss = 1,
                                          .measure = "top-1, percentage points",
                                          .samples = 500,
                                          .loss = 0.6,
                                          .lower = -0.2,
                                          .upper = 1.4,
                                          .trials = {{400'000, 0.2}, {200'000, 1.8}}};
  for (std::size_t i = 0; i < kAllocators.size(); ++i) {
    result.allocations.push_back(allocation(kAllocators[i], count, i));
  }
  result.allocations.push_back({.allocator = "projection", .refused = "its list ends at 4 bits"});
  result.seconds = {{"features", 1.5}, {"allocation", 0.5}};
  return result;
}

report::Advice advice_on(const std::string& layer) {
  return {.layer = layer,
          .finding = "costs the output 3.1 dB",
          .remedy = "give it one bit more: --keep '" + layer + "'"};
}

report::Diagnosis diagnosis(const std::vector<std::string>& names) {
  report::Diagnosis result{.samples = 32, .gain_samples = 8};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double before = 8 + static_cast<double>(i * 7 % 13);
    result.layers.push_back({.name = names[i],
                             .op_type = "Conv",
                             .weight_bits = 3,
                             .snr_before_db = before,
                             .snr_after_db = before + 4,
                             .gain_db = 0.01 * static_cast<double>(i * 5 % 11),
                             .channel_spread = 2,
                             .peak_to_rms = 4,
                             .clipped_share = 0.01});
    if (i % 2 == 0) {
      result.blocks.push_back({.name = fmt::format("block{}", i / 2),
                               .layers = {names[i]},
                               .snr_before_db = before - 1,
                               .snr_after_db = before + 2});
    }
  }
  result.advice = {advice_on(names.front()), advice_on("")};
  return result;
}

report::Reconstruction reconstruction(std::size_t count) {
  report::Reconstruction result{.method = "brecq", .effort = "default", .samples = 64};
  for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
    const double loss = 1.0 / static_cast<double>(1 + i);
    result.blocks.push_back({.step = "learning",
                             .name = fmt::format("block{}", i),
                             .iterations = 20000,
                             .seconds = 30.5,
                             .loss_before = loss,
                             .loss_after = loss / 8,
                             .snr_before_db = 9,
                             .snr_after_db = 18});
  }
  return result;
}

std::vector<report::Histogram> histograms(const std::vector<std::string>& names) {
  std::vector<report::Histogram> rows;
  for (const std::string& name : names) {
    report::Histogram row{.layer = name, .kind = "weight", .edges = {-1}, .low = -0.5, .high = 0.5};
    for (int bin = 0; bin < 32; ++bin) {
      row.edges.push_back(-1.0 + (bin + 1) / 16.0);
      row.counts.push_back(1000 - std::abs(16 - bin) * 60);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// With a diagnosis, what rounding did, and histograms.
report::Quantization explained(const std::vector<std::string>& names) {
  report::Quantization result = sample_quantization(names);
  result.diagnosis = diagnosis(names);
  result.reconstruction = reconstruction(names.size());
  result.histograms = histograms(names);
  return result;
}

}  // namespace

std::vector<std::string> layer_names(int count) {
  std::vector<std::string> names{"conv1"};
  for (int i = 0; i + 2 < count; ++i) {
    names.push_back(fmt::format("layer{}.{}.conv{}", 1 + i * 3 / count, i / 2, 1 + i % 2));
  }
  names.emplace_back("fc");
  return names;
}

report::Quantization sample_quantization(const std::vector<std::string>& names) {
  report::Quantization result{.search = search(names),
                              .float_evaluation = {.samples = 10000,
                                                   .classes = 10,
                                                   .top1 = 0.9424,
                                                   .top5 = 0.9989,
                                                   .seconds = 3},
                              .evaluated_on = samples(10000)};
  for (const auto& row : result.search.allocations) {
    if (!row.refused.empty()) continue;
    result.networks.push_back({.allocator = row.allocator,
                               .bytes_on_disk = row.bytes,
                               .bytes_promised = row.bytes,
                               .average_bits = row.average_bits,
                               .gbops = row.gbops,
                               .compression = 1100000.0 / static_cast<double>(row.bytes),
                               .weight_bits = row.weight_bits,
                               .evaluation = evaluation(0.9371 - *row.predicted_loss + 0.01)});
  }
  result.integer_kernels =
      report::IntegerKernels{.layers = static_cast<std::int64_t>(names.size()),
                             .integer_layers = static_cast<std::int64_t>(names.size()) - 1,
                             .float_layers = {names.back()},
                             .float_operators = {{"HardSwish", {"swish1", "swish2"}}}};
  result.seconds = {{"search", 2.0}, {"evaluation", 20.0}};
  return result;
}

report::Comparison sample_comparison(const std::vector<std::string>& names) {
  report::Comparison result{.model = model(),
                            .samples = samples(64),
                            .evaluated_on = samples(10000),
                            .float_evaluation = {.samples = 10000, .top1 = 0.9424, .seconds = 3},
                            .activation_bits = "8",
                            .budgets = kBudgets,
                            .allocators = kAllocators,
                            .random_allocations = 16};
  for (std::size_t b = 0; b < kBudgets.size(); ++b) {
    for (std::size_t a = 0; a < kAllocators.size(); ++a) {
      report::ComparisonRow row{.budget = kBudgets[b], .allocator = kAllocators[a]};
      if (a > 0) row.top1_difference = report::PairedDifference{-0.01, -0.02, 0.005};
      if (a == 3 && b == 1) {
        row.refused = "its list ends at 4 bits";
      } else {
        row.weight_bits = bits(names.size(), a + b);
        row.average_bits = 2.5 + 0.5 * static_cast<double>(b);
        row.bytes = static_cast<std::int64_t>(100000 + 20000 * b - 50 * a);
        row.gbops = 0.8;
        row.seconds = 5;
        row.evaluation =
            evaluation(0.90 + 0.03 * static_cast<double>(b) - 0.01 * static_cast<double>(a));
      }
      result.rows.push_back(std::move(row));
    }
  }
  result.rank_correlation = {{"output-mse", 0.9, 0.95}, {"fisher", 0.7, 0.8}, {"orm", -0.1, 0.2}};
  result.seconds = {{"rows", 100.0}};
  return result;
}

report::Sweep sample_sweep(const std::vector<std::string>& names) {
  report::Sweep result{.model = model(),
                       .samples = samples(64),
                       .metric = "output-mse",
                       .measure = "mean Kullback-Leibler divergence, nats",
                       .activation_bits = "8",
                       .layers = layers(names)};
  for (std::size_t i = 0; i < 12; ++i) {
    const auto step = static_cast<double>(i);
    result.points.push_back({.weight_bits = bits(names.size(), i),
                             .average_bits = 2 + step / 2,
                             .bytes = static_cast<std::int64_t>(80000 + 15000 * i),
                             .gbops = 0.5 + step / 10,
                             .predicted_loss = std::exp(-step),
                             .divergence = 0.5 * std::exp(-step / 2)});
  }
  result.knee = 4;
  result.picked = 6;
  result.seconds = {{"measurement", 9.0}};
  return result;
}

report::Finetuning sample_finetuning(const std::vector<std::string>& names) {
  report::Finetuning result{.quantization = sample_quantization(names),
                            .trained_on = samples(50000),
                            .best_epoch = 20,
                            .training = {{"--epochs", "20"}}};
  for (int epoch = 1; epoch <= 20; ++epoch) {
    const double left = std::exp(-epoch / 5.0);
    result.epochs.push_back({.epoch = epoch,
                             .step = epoch * 50,
                             .learning_rate = 0.01 * left,
                             .train_loss = 0.1 + left,
                             .train_accuracy = 0.94 - 0.1 * left,
                             .validation_loss = 0.2 + left,
                             .validation_top1 = 0.94 - 0.2 * left,
                             .validation_agreement = 0.97 - 0.2 * left,
                             .images_per_second = 1000,
                             .seconds = 50,
                             .best_epoch = epoch,
                             .best = 0.94 - 0.2 * left});
  }
  return result;
}

std::vector<report::RunDocument> sample_documents(const std::vector<std::string>& names) {
  return {{"runs/quantize.json", report::to_json(explained(names))},
          {"runs/compare.json", report::to_json(sample_comparison(names))},
          {"runs/sweep.json", report::to_json(sample_sweep(names))}};
}

}  // namespace ompq::testing

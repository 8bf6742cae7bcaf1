#include "ompq/api/results.h"

namespace ompq::api {
namespace {

constexpr double kGiga = 1e9;

Allocation public_allocation(const report::AllocationRow& row) {
  return {.allocator = row.allocator,
          .weight_bits = row.weight_bits,
          .average_bits = row.average_bits,
          .bytes = row.bytes,
          .bit_operations = row.gbops * kGiga,
          .refused = row.refused};
}

QuantizedNetwork public_network(const report::QuantizedRow& row) {
  return {.file = row.file,
          .bytes = row.bytes_on_disk,
          .allocator = row.allocator,
          .method = row.method,
          .weight_bits = row.weight_bits,
          .average_bits = row.average_bits,
          .compression = row.compression,
          .evaluation = public_result(row.evaluation)};
}

/// The first network is the chosen one.
void take_networks(const report::Quantization& from, Quantization& to) {
  to.layers = public_result(from.search.layers);
  to.float_evaluation = public_result(from.float_evaluation);
  for (const report::QuantizedRow& row : from.networks) {
    if (&row == &from.networks.front()) {
      to.network = public_network(row);
    } else {
      to.others.push_back(public_network(row));
    }
  }
}

}  // namespace

std::vector<Layer> public_result(const std::vector<report::LayerRow>& layers) {
  std::vector<Layer> rows;
  for (const report::LayerRow& layer : layers) {
    rows.push_back({.name = layer.name,
                    .op_type = layer.op_type,
                    .weights = layer.weights,
                    .macs = layer.macs,
                    .output_shape = layer.output_shape,
                    .tied_to = layer.tied_to,
                    .block = layer.block});
  }
  return rows;
}

Model public_result(const report::Inspection& inspection) {
  Model model{.file = inspection.model.file,
              .bytes = inspection.model.bytes,
              .opset = inspection.opset,
              .parameters = inspection.parameters,
              .layers = public_result(inspection.layers)};
  for (const auto& [name, shape] : inspection.inputs) model.inputs.push_back({name, shape});
  for (const auto& [name, shape] : inspection.outputs) model.outputs.push_back({name, shape});
  for (const report::RejectedRow& row : inspection.not_quantizable) {
    model.not_quantizable.push_back({row.name, row.op_type, row.reason});
  }
  return model;
}

Search public_result(const report::Search& search) {
  Search result{.layers = public_result(search.layers)};
  for (const report::AllocationRow& row : search.allocations) {
    if (&row == &search.allocations.front()) {
      result.chosen = public_allocation(row);
    } else {
      result.others.push_back(public_allocation(row));
    }
  }
  return result;
}

Evaluation public_result(const report::Evaluation& evaluation) {
  return {.samples = evaluation.samples,
          .top1 = evaluation.top1,
          .top5 = evaluation.top5,
          .cross_entropy = evaluation.cross_entropy,
          .agreement = evaluation.agreement,
          .divergence = evaluation.divergence,
          .snr_db = evaluation.snr_db};
}

Quantization public_result(const report::Quantization& quantization) {
  Quantization result;
  take_networks(quantization, result);
  return result;
}

Epoch public_result(const report::EpochRecord& epoch) {
  return {.number = epoch.epoch,
          .learning_rate = epoch.learning_rate,
          .train_loss = epoch.train_loss,
          .train_accuracy = epoch.train_accuracy,
          .validation_top1 = epoch.validation_top1,
          .validation_agreement = epoch.validation_agreement,
          .seconds = epoch.seconds};
}

Finetuning public_result(const report::Finetuning& finetuning) {
  Finetuning result;
  take_networks(finetuning.quantization, result);
  for (const report::EpochRecord& epoch : finetuning.epochs) {
    result.epochs.push_back(public_result(epoch));
  }
  result.best_epoch = finetuning.best_epoch;
  return result;
}

Comparison public_result(const report::Comparison& comparison) {
  Comparison result{.float_evaluation = public_result(comparison.float_evaluation)};
  for (const report::ComparisonRow& row : comparison.rows) {
    result.rows.push_back({.budget = row.budget,
                           .allocation = {.allocator = row.allocator,
                                          .weight_bits = row.weight_bits,
                                          .average_bits = row.average_bits,
                                          .bytes = row.bytes,
                                          .bit_operations = row.gbops * kGiga,
                                          .refused = row.refused},
                           .evaluation = public_result(row.evaluation)});
  }
  return result;
}

Sweep public_result(const report::Sweep& sweep) {
  Sweep result{.layers = public_result(sweep.layers), .knee = sweep.knee, .picked = sweep.picked};
  for (const report::SweepPoint& point : sweep.points) {
    result.points.push_back({.weight_bits = point.weight_bits,
                             .average_bits = point.average_bits,
                             .bytes = point.bytes,
                             .divergence = point.divergence,
                             .quality = point.quality});
  }
  return result;
}

Diff public_result(const report::Diff& diff) {
  Diff result{.agreement = diff.agreement};
  for (const report::DiffRow& row : diff.rows) {
    result.rows.push_back({.layer = row.layer,
                           .op_type = row.op_type,
                           .snr_db = row.snr_db,
                           .cosine = row.cosine,
                           .largest_difference = row.largest_difference,
                           .diverged = row.diverged});
  }
  return result;
}

}  // namespace ompq::api

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ompq/errors.h"
#include "ompq/load.h"

namespace ompq {

/// The accuracy of a network, or its fidelity to a reference network.
struct Evaluation {
  std::int64_t samples = 0;
  std::optional<double> top1;           ///< share of samples, 0..1, with labels
  std::optional<double> top5;           ///< with labels and more than 5 classes
  std::optional<double> cross_entropy;  ///< mean, nats, with labels
  std::optional<double> agreement;      ///< share of samples whose best class is the reference's
  std::optional<double> divergence;     ///< mean Kullback-Leibler divergence, nats
  std::optional<double> snr_db;         ///< of the first output against the reference's
};

struct OMPQ_API EvaluateOptions : Options {
  EvaluateOptions();
  Samples data;
  std::filesystem::path reference;  ///< the float network to compare with; optional
};

struct EvaluatedModel {
  std::int64_t bytes = 0;  ///< of the file
  Evaluation evaluation;
  std::string json;
};

/// Measures accuracy, or fidelity to a reference network: `ompq eval`.
[[nodiscard]] OMPQ_API EvaluatedModel evaluate(const ModelRef& model,
                                               const EvaluateOptions& options);

struct OMPQ_API DiffOptions : Options {
  DiffOptions();
  Samples data;
};

/// The output of a layer in two networks, or an output of theirs.
struct DiffRow {
  std::string layer;
  std::string op_type;  ///< "output" for an output of the network
  std::optional<double> snr_db;
  std::optional<double> cosine;
  double largest_difference = 0;
  bool diverged = false;  ///< the SNR is below the limit `snr`
};

struct Diff {
  std::vector<DiffRow> rows;        ///< in topological order, outputs last
  std::optional<double> agreement;  ///< share of samples with the same best class
  std::string json;
};

/// Compares two networks layer by layer: `ompq diff`.
[[nodiscard]] OMPQ_API Diff diff(const ModelRef& a,
                                 const std::filesystem::path& b,
                                 const DiffOptions& options);

}  // namespace ompq

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/report/diagnosis.h"
#include "ompq/report/distribution.h"
#include "ompq/report/reconstruction.h"

namespace ompq::report {

/// Named durations of a run, in the order in which the steps began.
using StepSeconds = std::vector<std::pair<std::string, double>>;

/// How a result came about, so that it can be made again. Empty where a program called the library.
struct Provenance {
  std::string command;  ///< for a POSIX shell, or as a call in Python
  std::vector<std::pair<std::string, std::string>> versions;  ///< name, version
};

struct ModelFile {
  std::string file;
  std::string sha256;
  std::int64_t bytes = 0;
};

/// Which samples a run used, and what was done to them.
struct SamplesUsed {
  std::string source;
  std::string split;  ///< "train", "test" or "" where the source has no parts
  std::int64_t count = 0;
  std::int64_t skipped = 0;  ///< broken samples left out
  std::uint64_t seed = 0;
  std::string preprocess;  ///< ompq-preprocess/1 JSON
};

/// A layer as `inspect` shows it and every JSON result repeats it.
struct LayerRow {
  std::string name;
  std::string op;
  std::int64_t weights = 0;
  std::int64_t biases = 0;
  std::int64_t paper_parameters =
      0;                          ///< as the paper counts them (norm and tied projections included)
  std::int64_t macs = 0;          ///< for one sample
  bool float_input = false;       ///< what it reads is never quantized, whatever --act-bits says
  std::string output_shape;       ///< "Nx64x56x56"
  std::int64_t feature_size = 0;  ///< elements of the layer function's output for one sample
  std::string tied_to;            ///< the layer whose width it follows, or ""
  std::string block;
};

struct RejectedRow {
  std::string name;
  std::string op;
  std::string reason;
};

struct BlockRow {
  std::string name;
  std::vector<std::string> layers;
};

/// What a file of ours says of its making. Widths are one a layer of the float network; 32: float.
struct Making {
  std::string version;
  std::string float_sha256;
  std::string budget;  ///< empty: none
  std::vector<int> weight_bits;
  std::vector<int> activation_bits;
};

struct Inspection {
  ModelFile model;
  std::int64_t opset = 0;
  std::vector<std::pair<std::string, std::string>> inputs;   ///< name, shape
  std::vector<std::pair<std::string, std::string>> outputs;  ///< name, shape
  std::vector<LayerRow> layers;
  std::vector<BlockRow> blocks;
  std::vector<RejectedRow> rejected;
  std::vector<RejectedRow> copied;  ///< not run: in written files as they were
  std::int64_t parameters = 0;      ///< elements of all float constants
  std::int64_t macs = 0;            ///< of all layers, for one sample
  std::vector<std::pair<std::string, std::string>> metadata;
  std::optional<Making> made;
};

/// Bits per layer that one allocator chose, and what they cost.
struct AllocationRow {
  std::string allocator;                 ///< that answered
  std::string instead_of;                ///< that was asked for and cannot answer here, or ""
  std::vector<int> weight_bits;          ///< in layer order
  double average_bits = 0;               ///< over all quantized weights
  std::int64_t bytes = 0;                ///< of the file that quantize would write
  double paper_mib = 0;                  ///< size as the paper counts it, MiB
  double gbops = 0;                      ///< 1e9 bit operations for one sample
  std::optional<double> predicted_loss;  ///< sum over layers of the first measured metric
  std::string solver;
  std::string status;
  double objective = 0;
  double gap = 0;
  double seconds = 0;
  std::string refused;  ///< why this allocator has no answer under the budget, or ""
};

/// How `auto` came to its allocation.
struct Portfolio {
  struct Candidate {
    std::string origin;            ///< the allocator, with its parameters
    std::vector<int> weight_bits;  ///< in layer order
    double divergence = 0;         ///< on the samples that rank
  };
  std::vector<Candidate> candidates;  ///< in the order in which they were tried
  std::string winner;                 ///< origin of the best of them
  std::vector<double>
      steps;            ///< divergence of the winner and after every refining step, on all samples
  std::string measure;  ///< what a divergence is, with its unit
  std::int64_t evaluations = 0;  ///< passes of the network, whole or from a changed layer on
  bool time_limit_struck = false;
};

/// What one metric says of every layer at every width.
struct LossRows {
  std::string metric;
  std::string unit;
  std::vector<int> widths;     ///< columns of `values`
  std::vector<double> values;  ///< layers x widths, row-major
};

/// What was to be measured and could not be, on this network or these samples.
struct DroppedMetric {
  std::string metric;  ///< "orm": orthogonality of features; "pairwise": interactions
  std::string reason;
};

struct Search {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  std::string budget;  ///< in words
  std::string accounting;
  std::string scheme;
  std::string precision;
  std::string activation_bits;  ///< "8", "4 (inputs 8)" or "float"
  std::vector<LayerRow> layers;
  std::vector<double> orm;  ///< layers x layers, row-major
  std::string estimator;
  double beta = 0;
  std::vector<double> gamma;
  std::vector<double> theta;
  std::vector<double> coefficients;
  std::vector<LossRows> losses;  ///< one entry a metric that was measured
  std::vector<DroppedMetric> dropped;
  std::optional<Portfolio> portfolio;      ///< where `auto` chose
  std::vector<AllocationRow> allocations;  ///< the chosen one first, then those next to it
  StepSeconds seconds;
};

/// What a network got right, or how close it stays to another one.
struct Evaluation {
  std::int64_t samples = 0;
  std::int64_t skipped = 0;             ///< broken samples left out
  std::int64_t classes = 0;             ///< 0 where the first output is no row of class scores
  std::optional<double> top1;           ///< share of samples, 0..1, where there are labels
  std::optional<double> top5;           ///< where there are labels and more than 5 classes
  std::optional<double> cross_entropy;  ///< mean over the samples, nats, where there are labels
  std::optional<double> agreement;      ///< share of samples whose best class is the reference's
  std::optional<double>
      divergence;  ///< mean Kullback-Leibler divergence from the reference's softmax, nats
  std::optional<double> snr_db;  ///< 10 log10(|reference|^2 / |difference|^2) of the first output
  double seconds = 0;
};

/// One quantized network next to the float one.
struct QuantizedRow {
  std::string allocator;   ///< that answered
  std::string instead_of;  ///< see AllocationRow
  std::string method;      ///< how weights were rounded
  std::string file;        ///< "" where only the chosen network was kept
  std::int64_t bytes_on_disk = 0;
  std::int64_t bytes_promised = 0;
  double average_bits = 0;
  double gbops = 0;        ///< 1e9 bit operations for one sample
  double compression = 0;  ///< float file / this file
  std::vector<int> weight_bits;
  Evaluation evaluation;
};

struct Quantization {
  Search search;  ///< without ORM and losses where the bits came from a file
  Evaluation float_evaluation;
  SamplesUsed evaluated_on;
  std::vector<QuantizedRow> networks;            ///< the chosen one first
  std::optional<Reconstruction> reconstruction;  ///< absent for rounding to nearest
  std::optional<Diagnosis> diagnosis;            ///< of the chosen network, if asked for
  std::vector<Distribution> distributions;       ///< of the chosen network's layers
  std::int64_t resumed = 0;                      ///< units that an earlier run had finished
  StepSeconds seconds;
};

/// The empty table of latencies that was written.
struct LatencyTemplate {
  ModelFile model;
  std::string file;
  std::int64_t layers = 0;  ///< with a line for each pair of widths
};

}  // namespace ompq::report

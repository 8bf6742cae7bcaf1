#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ompq/allocation/solver_record.h"
#include "ompq/fields/declare.h"
#include "ompq/report/diagnosis.h"
#include "ompq/report/evaluation.h"
#include "ompq/report/histogram.h"
#include "ompq/report/integer_kernels.h"
#include "ompq/report/loss_target.h"
#include "ompq/report/portfolio.h"
#include "ompq/report/reconstruction.h"

// The results of the commands, as plain structs. The meaning of each field is in list_fields below
// its struct (fields/declare.h), from which the JSON and the Python types follow.

namespace ompq::report {

/// Named durations of a run, in the order of the steps.
using StepSeconds = std::vector<std::pair<std::string, double>>;

inline constexpr const char* kSecondsDoc = "seconds by step, in the order in which the steps began";

/// How a result was made, to reproduce it. Empty if the library was called by another program.
struct Provenance {
  std::string command;
  std::vector<std::pair<std::string, std::string>> versions;
};

template <typename Visitor, fields::Of<Provenance> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Provenance", "What produced a result.");
  v("command",
    s.command,
    "what produced this result: a command for a POSIX shell, or a call in Python",
    fields::kOmitEmpty);
  v("versions", s.versions, "versions of ompq and its libraries, by name", fields::kOmitEmpty);
}

struct ModelFile {
  std::string file;
  std::string sha256;
  std::int64_t bytes = 0;
};

template <typename Visitor, fields::Of<ModelFile> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("ModelFile", "A network's file.");
  v("file", s.file, "");
  v("sha256", s.sha256, "");
  v("bytes", s.bytes, "", fields::kCount);
}

struct SamplesUsed {
  std::string source;
  std::string split;
  std::int64_t count = 0;
  std::int64_t skipped = 0;
  std::uint64_t seed = 0;
  std::string preprocess;
};

template <typename Visitor, fields::Of<SamplesUsed> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("SamplesUsed", "Which samples a run used, and how they were preprocessed.");
  v("source", s.source, "a path; for arrays their names, types, shapes and a digest");
  v("count", s.count, "", fields::kCount);
  v("seed", s.seed, "");
  v("split", s.split, "train or test, if the source has both", fields::kOmitEmpty);
  v("skipped", s.skipped, "unreadable samples that were skipped", fields::kOmitZero);
  v("preprocess", s.preprocess, "an ompq-preprocess/1 document", fields::kJsonText);
}

/// A layer in `inspect` and in every JSON result.
struct LayerRow {
  std::string name;
  std::string op_type;
  std::int64_t weights = 0;
  std::int64_t biases = 0;
  std::int64_t paper_parameters = 0;
  std::int64_t macs = 0;
  bool float_input = false;
  std::string output_shape;
  std::int64_t feature_size = 0;
  std::string tied_to;  ///< "" if it is not tied
  std::string block;
};

template <typename Visitor, fields::Of<LayerRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("LayerRow", "A layer of the network.");
  v("name", s.name, "");
  v("op_type", s.op_type, "operator type of its ONNX node", fields::formerly("operator"));
  v("weights", s.weights, "", fields::kCount);
  v("biases", s.biases, "", fields::kCount);
  v("paper_parameters",
    s.paper_parameters,
    "as the paper counts them (including norm and tied projections)",
    fields::kCount.formerly("parameters"));
  v("macs", s.macs, "multiply-accumulates for one sample", fields::kCount);
  v("float_input", s.float_input, "its input is never quantized, regardless of --act-bits");
  v("output_shape", s.output_shape, "such as Nx64x56x56");
  v("feature_size", s.feature_size, "elements of its output for one sample", fields::kCount);
  v("block", s.block, "empty if the layer is in no block");
  v("tied_to", s.tied_to, "the layer whose width it shares", fields::kNullEmpty.formerly("tie"));
}

/// A node whose width cannot be chosen, and why.
struct RejectedRow {
  std::string name;
  std::string op_type;
  std::string reason;
};

template <typename Visitor, fields::Of<RejectedRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("RejectedRow", "A node whose width cannot be chosen.");
  v("name", s.name, "");
  v("op_type", s.op_type, "operator type of its ONNX node", fields::formerly("operator"));
  v("reason", s.reason, "");
}

struct BlockRow {
  std::string name;
  std::vector<std::string> layers;
};

template <typename Visitor, fields::Of<BlockRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("BlockRow", "Layers that are rounded together.");
  v("name", s.name, "");
  v("layers", s.layers, "");
}

struct NamedShape {
  std::string name;
  std::string shape;
};

template <typename Visitor, fields::Of<NamedShape> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("NamedShape", "An input or output.");
  v("name", s.name, "");
  v("shape", s.shape, "such as Nx3x224x224");
}

struct NamedText {
  std::string name;
  std::string value;
};

template <typename Visitor, fields::Of<NamedText> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("NamedText", "An entry of the file's metadata.");
  v("name", s.name, "");
  v("value", s.value, "");
}

/// The quantization recorded in a file written by ompq.
struct FileQuantization {
  std::string version;
  std::string float_sha256;
  std::string budget;
  std::vector<int> weight_bits;
  std::vector<int> activation_bits;
};

template <typename Visitor, fields::Of<FileQuantization> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("FileQuantization", "Quantization that is recorded in a file written by ompq.");
  v("version", s.version, "version of ompq");
  v("float_sha256", s.float_sha256, "SHA-256 of the float network's file");
  v("budget", s.budget, "empty if there was none");
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("activation_bits", s.activation_bits, "in layer order; 32 is float", fields::kWidths);
}

struct Inspection {
  ModelFile model;
  std::int64_t opset = 0;
  std::vector<NamedShape> inputs;
  std::vector<NamedShape> outputs;
  std::vector<LayerRow> layers;
  std::vector<BlockRow> blocks;
  std::vector<RejectedRow> not_quantizable;
  std::vector<RejectedRow> copied;
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
  std::vector<NamedText> metadata;
  std::optional<FileQuantization> quantization;
};

template <typename Visitor, fields::Of<Inspection> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Inspection", "Result of `ompq inspect`.");
  v("model", s.model, "");
  v("opset", s.opset, "");
  v("inputs", s.inputs, "");
  v("outputs", s.outputs, "");
  v("parameters", s.parameters, "elements of all float constants", fields::kCount);
  v("macs", s.macs, "multiply-accumulates of all layers for one sample", fields::kCount);
  v("layers", s.layers, "in topological order");
  v("blocks", s.blocks, "");
  v("not_quantizable", s.not_quantizable, "nodes with weights that stay float");
  v("copied",
    s.copied,
    "nodes that are not run and are copied unchanged to written files",
    fields::kOmitEmpty);
  v("metadata", s.metadata, "");
  v("quantization", s.quantization, "only for files written by ompq");
}

/// Bits per layer of one allocator, and their cost.
struct AllocationRow {
  std::string allocator;
  std::string requested;
  std::vector<int> weight_bits;
  double average_bits = 0;
  std::int64_t bytes = 0;
  double paper_mib = 0;
  double gbops = 0;
  std::optional<double> predicted_loss;
  allocation::SolverRecord solver;
  std::string refused;
};

inline constexpr const char* kRequestedDoc = "the requested allocator, if it cannot be used here";

template <typename Visitor, fields::Of<AllocationRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("AllocationRow", "Widths per layer that one allocator chose, and their cost.");
  v("allocator", s.allocator, "the allocator that chose the widths");
  v("refused",
    s.refused,
    "why there is no allocation under the budget; later fields are then missing",
    fields::kExclusive);
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("average_bits", s.average_bits, "over all quantized weights", fields::kCount);
  v("bytes", s.bytes, "of the file that quantize would write", fields::kCount);
  v("paper_mib", s.paper_mib, "size as the paper counts it, MiB", fields::kCount);
  v("gbops", s.gbops, "1e9 bit operations for one sample", fields::kCount);
  v("requested", s.requested, kRequestedDoc, fields::kOmitEmpty.formerly("instead_of"));
  v("predicted_loss", s.predicted_loss, "sum over layers of the first measured metric");
  v("solver", s.solver, "");
}

/// The losses of one metric for every layer and width.
struct LossRows {
  std::string metric;
  std::string unit;
  std::vector<int> widths;
  std::vector<double> values;  ///< row-major
};

template <typename Visitor, fields::Of<LossRows> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("LossRows", "Values of one metric for all layers and widths.");
  v("metric", s.metric, "");
  v("unit", s.unit, "");
  v("widths", s.widths, "columns of values", fields::kWidths);
  v.matrix("values", s.values, s.widths.size(), "layers x widths");
}

/// A measurement that was not possible on this network or these samples.
struct DroppedMetric {
  std::string metric;
  std::string reason;
};

template <typename Visitor, fields::Of<DroppedMetric> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("DroppedMetric", "A metric that could not be measured on this network or these samples.");
  v("metric", s.metric, "orm: orthogonality of features; pairwise: interactions");
  v("reason", s.reason, "");
}

struct Search {
  Provenance provenance;
  ModelFile model;
  SamplesUsed samples;
  std::string budget;
  std::string accounting;
  std::string scheme;
  std::string precision;
  std::string activation_bits;
  std::vector<LayerRow> layers;
  std::vector<double> orm;  ///< row-major
  std::string estimator;
  double beta = 0;
  std::vector<double> gamma;
  std::vector<double> theta;
  std::vector<double> coefficients;
  std::vector<LossRows> losses;
  std::vector<DroppedMetric> dropped;
  std::optional<Portfolio> portfolio;
  std::optional<LossTarget> loss_target;
  std::vector<AllocationRow> allocations;
  StepSeconds seconds;
};

template <typename Visitor, fields::Of<Search> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Search", "Result of `ompq search`.");
  list_fields(v, s.provenance);
  v("model", s.model, "");
  v("samples", s.samples, "samples that layers were measured with");
  v("budget", s.budget, "as text");
  v("accounting", s.accounting, "disk or paper");
  v("scheme", s.scheme, "");
  v("activation_bits", s.activation_bits, "8, 4 (inputs 8) or float");
  v("layers", s.layers, "in topological order");
  const auto with_orm = fields::where(!s.orm.empty());
  v.matrix("orm", s.orm, s.layers.size(), "orthogonality matrix, layers x layers", with_orm);
  v("estimator", s.estimator, "estimator of the orthogonality matrix", with_orm);
  v("precision", s.precision, "precision that features were computed in", with_orm);
  v("beta", s.beta, "", with_orm);
  v("gamma", s.gamma, "by layer", with_orm);
  v("theta", s.theta, "by layer", with_orm);
  v("coefficients", s.coefficients, "by layer", with_orm);
  v("losses", s.losses, "one entry per measured metric", fields::kOmitEmpty);
  v("dropped", s.dropped, "metrics that could not be measured", fields::kOmitEmpty);
  v("portfolio", s.portfolio, "only if `auto` chose");
  v("loss_target", s.loss_target, "only with --max-loss");
  v("allocations", s.allocations, "the chosen one first, then the others");
  v("seconds", s.seconds, kSecondsDoc);
}

/// One quantized network, compared with the float one.
struct QuantizedRow {
  std::string allocator;
  std::string requested;
  std::string method;
  std::string file;
  std::int64_t bytes_on_disk = 0;
  std::int64_t bytes_promised = 0;
  double average_bits = 0;
  double gbops = 0;
  double compression = 0;
  std::vector<int> weight_bits;
  Evaluation evaluation;
};

inline constexpr const char* kBytesPromisedDoc = "size of the file, computed before it was written";

template <typename Visitor, fields::Of<QuantizedRow> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("QuantizedRow", "One quantized network, compared with the float one.");
  v("allocator", s.allocator, "the allocator that chose the widths");
  v("method", s.method, "how weights were rounded");
  v("bytes_on_disk", s.bytes_on_disk, "size of the file", fields::kCount);
  v("bytes_promised", s.bytes_promised, kBytesPromisedDoc, fields::kCount);
  v("average_bits", s.average_bits, "over all quantized weights", fields::kCount);
  v("gbops", s.gbops, "1e9 bit operations for one sample", fields::kCount);
  v("compression", s.compression, "float file / this file", fields::kCount);
  v("weight_bits", s.weight_bits, "in layer order; 32 is float", fields::kWidths);
  v("evaluation", s.evaluation, "");
  v("requested", s.requested, kRequestedDoc, fields::kOmitEmpty.formerly("instead_of"));
  v("file", s.file, "only if other networks were kept too", fields::kOmitEmpty);
}

struct Quantization {
  Search search;  ///< without ORM and losses if the bits came from a file
  Evaluation float_evaluation;
  SamplesUsed evaluated_on;
  std::vector<QuantizedRow> networks;
  std::optional<IntegerKernels> integer_kernels;
  std::optional<Reconstruction> reconstruction;
  std::optional<Diagnosis> diagnosis;
  std::vector<Histogram> histograms;
  std::int64_t resumed = 0;  ///< units finished by an earlier run
  StepSeconds seconds;
};

template <typename Visitor, fields::Of<Quantization> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Quantization", "Result of `ompq quantize`, with that of its search.");
  list_fields(v, s.search);
  v.computed(
      "bytes_on_disk", [&] { return s.networks.front().bytes_on_disk; }, "of the chosen network");
  v.computed(
      "bytes_promised", [&] { return s.networks.front().bytes_promised; }, kBytesPromisedDoc);
  v("evaluated_on", s.evaluated_on, "");
  v("float_evaluation",
    s.float_evaluation,
    "evaluation of the float network",
    fields::formerly("float"));
  v.computed(
      "evaluation", [&] { return s.networks.front().evaluation; }, "of the chosen network");
  v("networks", s.networks, "the chosen one first");
  v("integer_kernels",
    s.integer_kernels,
    "of the chosen network; missing for targets without integer kernels and with float "
    "activations");
  v("reconstruction", s.reconstruction, "missing for rounding to nearest");
  v("histograms", s.histograms, "histograms of the chosen network's layers", fields::kOmitEmpty);
  v("diagnosis", s.diagnosis, "diagnosis of the chosen network, with --explain");
  v("seconds", s.seconds, kSecondsDoc);  // instead of the search's
  v.internal(s.resumed);
}

/// The written empty latency table.
struct LatencyTemplate {
  ModelFile model;
  std::string file;
  std::int64_t layers = 0;
};

template <typename Visitor, fields::Of<LatencyTemplate> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("LatencyTemplate", "The empty latency table that was written.");
  v("model", s.model, "");
  v("file", s.file, "");
  v("layers", s.layers, "number of layers; each has a line per pair of widths", fields::kCount);
}

/// The result of `ompq eval`.
struct EvaluatedNetwork {
  ModelFile model;
  SamplesUsed samples;
  Evaluation evaluation;
};

template <typename Visitor, fields::Of<EvaluatedNetwork> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("EvaluatedNetwork", "Result of `ompq eval`.");
  v("model", s.model, "");
  v("samples", s.samples, "");
  v("evaluation", s.evaluation, "");
}

}  // namespace ompq::report

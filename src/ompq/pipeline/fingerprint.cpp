#include "ompq/pipeline/fingerprint.h"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"

namespace ompq::pipeline {
namespace {

namespace fs = std::filesystem;
/// Texts are told apart by their quotes, and numbers are written with all of their digits.
using Facts = nlohmann::ordered_json;

template <typename T>
Facts optional_fact(const std::optional<T>& value) {
  return value ? Facts(*value) : Facts(nullptr);
}

/// Names of files may hold bytes that are no UTF-8.
std::string hash_of(const Facts& facts) {
  return sha256(facts.dump(-1, ' ', false, Facts::error_handler_t::replace));
}

Facts facts_of(const Model& model) {
  Facts inputs = Facts::array();
  for (const graph::ValueId id : model.graph.inputs()) {
    const graph::Value& input = model.graph.value(id);
    inputs.push_back({input.name, input.shape ? graph::to_string(*input.shape) : ""});
  }
  return {{"sha256", model.sha256}, {"inputs", std::move(inputs)}};
}

/// A file's size tells most of those apart that were exchanged under one name.
Facts facts_of(const Samples& samples) {
  std::error_code missing;
  const auto bytes = fs::file_size(samples.used.source, missing);
  return {{"source", samples.used.source},
          {"bytes", missing ? Facts(nullptr) : Facts(bytes)},
          {"split", samples.used.split},
          {"seed", samples.used.seed},
          {"preprocess", samples.used.preprocess},
          {"indices", samples.indices}};
}

Facts facts_of(const LayerChoices& choices) {
  return {{"first_last", optional_fact(choices.first_last)},
          {"candidates", choices.candidates},
          {"pins", choices.pins},
          {"excluded", choices.excluded}};
}

/// Without the budget.
Facts facts_of(const RequestOptions& request) {
  Facts facts = {{"scheme", request.scheme},
                 {"candidates", request.candidates},
                 {"choices", facts_of(request.choices)},
                 {"accounting", optional_fact(request.accounting)},
                 {"rounding", optional_fact(request.rounding)},
                 {"activations", request.activation_candidates},
                 {"input_bits", request.input_bits},
                 {"symmetry", request.symmetry},
                 {"integer", {request.integer.time_limit_seconds, request.integer.max_labels}},
                 {"seed", request.seed}};
  if (request.latency_table) facts["latency_table"] = sha256(read_file(*request.latency_table));
  return facts;
}

Facts facts_of(const runtime::ExecutorOptions& executor) {
  return {{"precision", executor.precision}, {"device", executor.device}};
}

Facts facts_of(const SearchOptions& search) {
  const AutoOptions& automatic = search.automatic;
  return {{"request", facts_of(search.request)},
          {"allocator", search.allocator},
          {"beside", search.beside},
          {"beta", search.beta},
          {"auto",
           {automatic.time_limit_seconds,
            automatic.max_rounds,
            automatic.second_look_seconds,
            automatic.starts}},
          {"weights", {search.weights.symmetry, search.weights.range}},
          {"compensated", search.compensated},
          {"format", search.form.format},
          {"opset", optional_fact(search.form.opset)},
          {"most_model_bytes", search.form.most_model_bytes},
          {"batch", search.batch_size},
          {"executor", facts_of(search.executor)}};
}

Facts facts_of(const tuning::CalibrationOptions& calibration) {
  return {{"range", calibration.range},
          {"percentile", calibration.percentile},
          {"batch", calibration.batch_size},
          {"executor", facts_of(calibration.executor)}};
}

Facts facts_of(const MethodOptions& method) {
  const Preparation& prepare = method.prepare;
  return {
      {"method", method.method},
      {"effort", method.effort},
      {"iterations", optional_fact(method.iterations)},
      {"epochs", optional_fact(method.epochs)},
      {"augmentation", method.augmentation},
      {"prepare",
       {prepare.equalize, prepare.analytic_bias, prepare.correct_bias, prepare.reestimate_norms}},
      {"weight", method.weight},
      {"seed", method.seed}};
}

}  // namespace

std::string fingerprint_of(const Model& model,
                           const Samples& samples,
                           const std::vector<std::int64_t>& tuning,
                           const QuantizeOptions& options) {
  Facts facts = {{"version", kVersion},
                 {"model", facts_of(model)},
                 {"samples", facts_of(samples)},
                 {"tuning", tuning},
                 {"search", facts_of(options.search)},
                 {"budget", allocation::exact_text(options.search.request.budget)},
                 {"calibration", facts_of(options.calibration)},
                 {"method", facts_of(options.method)},
                 {"delivery", options.delivery}};
  if (options.allocation_file) facts["allocation"] = sha256(read_file(*options.allocation_file));
  return hash_of(facts);
}

std::string fingerprint_of(const Model& model,
                           const Samples& samples,
                           const Samples& evaluation,
                           const CompareOptions& options) {
  return hash_of(
      {{"version", kVersion},
       {"model", facts_of(model)},
       {"samples", facts_of(samples)},
       {"evaluation", facts_of(evaluation)},
       {"search", facts_of(options.search)},
       {"calibration", facts_of(options.calibration)},
       {"evaluated_by", {options.evaluation.batch_size, facts_of(options.evaluation.executor)}}});
}

}  // namespace ompq::pipeline

#include "ompq/search/fingerprint.h"

#include <filesystem>

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"

namespace ompq::search {
namespace {

Facts facts_of(const runtime::ExecutorOptions& executor) {
  return {{"precision", executor.precision}, {"device", executor.device}};
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

}  // namespace

std::string hash_of(const Facts& facts) {
  return sha256(facts.dump(-1, ' ', false, Facts::error_handler_t::replace));
}

Facts facts_of(const pipeline::Model& model) {
  Facts inputs = Facts::array();
  for (const graph::ValueId id : model.graph.inputs()) {
    const graph::Value& input = model.graph.value(id);
    inputs.push_back({input.name, input.shape ? graph::to_string(*input.shape) : ""});
  }
  return {{"sha256", model.sha256}, {"inputs", std::move(inputs)}};
}

Facts facts_of(const pipeline::Samples& samples) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(samples.used.source, missing);
  return {{"source", samples.used.source},
          {"bytes", missing ? Facts(nullptr) : Facts(bytes)},
          {"split", samples.used.split},
          {"seed", samples.used.seed},
          {"preprocess", samples.used.preprocess},
          {"indices", samples.indices}};
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

Facts facts_of(const rounding::CalibrationOptions& calibration) {
  return {{"range", calibration.range},
          {"percentile", calibration.percentile},
          {"batch", calibration.batch_size},
          {"executor", facts_of(calibration.executor)}};
}

std::string fingerprint_of(const pipeline::Model& model,
                           const pipeline::Samples& samples,
                           const pipeline::Samples& evaluation,
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

}  // namespace ompq::search

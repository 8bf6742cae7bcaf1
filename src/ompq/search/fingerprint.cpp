#include "ompq/search/fingerprint.h"

#include <filesystem>

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"

namespace ompq::search {
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

std::string fingerprint_of(const pipeline::Model& model,
                           const pipeline::Samples& samples,
                           const pipeline::Samples& evaluation,
                           const CompareOptions& options) {
  CompareOptions asked = options;
  FactBinder conditions;
  bind_conditions(conditions, asked);
  return hash_of({{"version", version()},
                  {"model", facts_of(model)},
                  {"samples", facts_of(samples)},
                  {"evaluation", facts_of(evaluation)},
                  {"options", to_json(conditions.facts())}});
}

}  // namespace ompq::search

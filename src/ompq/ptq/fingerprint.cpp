#include "ompq/ptq/fingerprint.h"

#include "ompq/search/fingerprint.h"

namespace ompq::ptq {
std::string fingerprint_of(const pipeline::Model& model,
                           const pipeline::Samples& samples,
                           const std::vector<std::int64_t>& tuning,
                           const QuantizeOptions& options) {
  return search::hash_of({{"versions", search::versions()},
                          {"model", search::facts_of(model)},
                          {"samples", search::facts_of(samples)},
                          {"tuning", tuning},
                          {"options", search::option_facts(options)}});
}

}  // namespace ompq::ptq

#include "ompq/ptq/fingerprint.h"

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"
#include "ompq/search/fingerprint.h"

namespace ompq::ptq {
namespace {

search::Facts facts_of(const MethodOptions& method) {
  const Preparation& prepare = method.prepare;
  return {
      {"method", method.method},
      {"effort", method.effort},
      {"iterations", search::optional_fact(method.iterations)},
      {"epochs", search::optional_fact(method.epochs)},
      {"augmentation", method.augmentation},
      {"prepare",
       {prepare.equalize, prepare.analytic_bias, prepare.correct_bias, prepare.reestimate_norms}},
      {"weight", method.weight},
      {"seed", method.seed}};
}

}  // namespace

std::string fingerprint_of(const pipeline::Model& model,
                           const pipeline::Samples& samples,
                           const std::vector<std::int64_t>& tuning,
                           const QuantizeOptions& options) {
  search::Facts facts = {{"version", kVersion},
                         {"model", search::facts_of(model)},
                         {"samples", search::facts_of(samples)},
                         {"tuning", tuning},
                         {"search", search::facts_of(options.search)},
                         {"budget", allocation::exact_text(options.search.request.budget)},
                         {"calibration", search::facts_of(options.calibration)},
                         {"method", facts_of(options.method)},
                         {"format", options.format}};
  if (options.allocation_file) facts["allocation"] = sha256(read_file(*options.allocation_file));
  return search::hash_of(facts);
}

}  // namespace ompq::ptq

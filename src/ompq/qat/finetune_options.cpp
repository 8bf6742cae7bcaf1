#include "ompq/qat/finetune_options.h"

#include <fmt/format.h>

#include "ompq/search/option_facts.h"

namespace ompq::qat {
namespace {

std::vector<search::OptionFact> training_facts(FinetuneOptions options) {
  search::FactBinder binder;
  bind_training(binder, options);
  return binder.facts();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> named_choices(const FinetuneOptions& options) {
  std::vector<std::pair<std::string, std::string>> named;
  for (const search::OptionFact& fact : training_facts(options)) {
    if (fact.bound) named.emplace_back(fmt::format("--{}", fact.name), search::text_of(fact));
  }
  return named;
}

std::string unnamed_choices(const FinetuneOptions& options) {
  std::string text;
  for (const search::OptionFact& fact : training_facts(options)) {
    if (!fact.bound) text += fmt::format("{} {}\n", fact.name, search::text_of(fact));
  }
  return text;
}

}  // namespace ompq::qat

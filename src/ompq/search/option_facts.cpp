#include "ompq/search/option_facts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ompq::search {
namespace {

/// Options that change when, where or how fast something is done or saved, but not the result.
constexpr std::array<std::string_view, 10> kWithoutEffect{
    "threads",
    "memory",            // of cached activations: the rest goes to a file
    "cache",             // of decoded images
    "checkpoint-every",  // interval of saving only
    "output",
    "journal",
    "checkpoint",
    "log",
    "tensorboard",
    "explain",  // reads the finished network
};

}  // namespace

bool has_effect(std::string_view option) {
  return std::ranges::find(kWithoutEffect, option) == kWithoutEffect.end();
}

Facts to_json(const std::vector<OptionFact>& facts) {
  Facts all = Facts::array();
  for (const OptionFact& fact : facts) all.push_back({fact.name, fact.value});
  return all;
}

std::string text_of(const OptionFact& fact) {
  const Facts& value = fact.value;
  if (value.is_null()) return "none";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  return value.dump();
}

}  // namespace ompq::search

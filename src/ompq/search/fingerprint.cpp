#include "ompq/search/fingerprint.h"

#include <filesystem>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/version.h"
#include "ompq/data/source_files.h"
#include "ompq/runtime/kernel_versions.h"

namespace ompq::search {
namespace {

/// Texts as they are: a dump replaces bytes that are not UTF-8, so that names that differ only in
/// these would be equal.
void append_texts(const Facts& facts, std::string& all) {
  if (facts.is_string()) {
    const auto& text = facts.get_ref<const std::string&>();
    all += fmt::format("{}:{}", text.size(), text);
  }
  if (!facts.is_structured()) return;
  for (const Facts& part : facts) append_texts(part, all);
}

/// Names, sizes and times of change of a source's files: they detect samples that were replaced
/// under the same name.
std::string hash_of_files(const std::filesystem::path& source) {
  std::string text;
  for (const std::filesystem::path& file : data::sample_files(source)) {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(file, missing);
    const auto changed = std::filesystem::last_write_time(file, missing);
    text += fmt::format(
        "{} {} {}\n", file.string(), bytes, missing ? 0 : changed.time_since_epoch().count());
  }
  return sha256(text);
}

}  // namespace

std::string hash_of(const Facts& facts) {
  std::string text = facts.dump(-1, ' ', false, Facts::error_handler_t::replace);
  append_texts(facts, text);
  return sha256(text);
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
  return {{"source", samples.used.source},
          {"files", hash_of_files(samples.used.source)},
          {"split", samples.used.split},
          {"seed", samples.used.seed},
          {"preprocess", samples.used.preprocess},
          {"indices", samples.indices}};
}

std::string versions() { return fmt::format("ompq {}\n{}", version(), runtime::kernel_versions()); }

std::string fingerprint_of(const pipeline::Model& model,
                           const pipeline::Samples& samples,
                           const pipeline::Samples& evaluation,
                           const CompareOptions& options) {
  CompareOptions asked = options;
  FactBinder conditions;
  bind_conditions(conditions, asked);
  return hash_of({{"versions", versions()},
                  {"model", facts_of(model)},
                  {"samples", facts_of(samples)},
                  {"evaluation", facts_of(evaluation)},
                  {"options", to_json(conditions.facts())}});
}

}  // namespace ompq::search

#include "ompq/c_api/json_options.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/fields/read.h"
#include "ompq/options/command_table.h"
#include "ompq/options/given_options.h"

namespace ompq::c_api {
namespace {

using fields::Json;

const fields::Source& options_source() {
  static const fields::Source source{.place = "options",
                                     .remedy = R"(give one object, such as {"MODEL": "net.onnx"})"};
  return source;
}

/// A number or text as one would type it.
std::string typed_text(std::string_view name, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  fields::refuse(
      options_source(), name, value, "a number, a text, true, false, or a list of these");
}

bool is_repeatable(const Options& options, std::string_view name) {
  for (const OptionRecord& record : all_records(*find_command(options.command()))) {
    if (record.name == name) return may_repeat(record.type);
  }
  return false;  // unknown; set() says so
}

void set_list(Options& options, const std::string& name, const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list) texts.push_back(typed_text(name, item));
  if (texts.empty() || !is_repeatable(options, name)) {
    options.set(name, fmt::format("{}", fmt::join(texts, ",")));
    return;
  }
  options.set(name, texts.front());
  for (std::size_t i = 1; i < texts.size(); ++i) options.add(name, texts[i]);
}

void set_value(Options& options, const std::string& name, const Json& value) {
  if (value.is_null()) return;
  if (value.is_array()) return set_list(options, name, value);
  if (value.is_boolean()) {
    options.set(name, value.get<bool>());
  } else {
    options.set(name, typed_text(name, value));
  }
}

}  // namespace

void set_json_options(Options& options, std::string_view json) {
  const Json document = fields::parse(json, options_source());
  if (!document.is_object()) fields::refuse(options_source(), "", document, "an object");
  for (const auto& [name, value] : document.items()) set_value(options, name, value);
}

}  // namespace ompq::c_api

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "documentation.h"
#include "ompq/core/error.h"
#include "ompq/core/version.h"
#include "ompq/options/command_table.h"

namespace ompq::app {
namespace {

using Json = nlohmann::ordered_json;

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::Flag:
      return "Flag";
    case OptionType::Text:
      return "Text";
    case OptionType::Path:
      return "Path";
    case OptionType::Paths:
      return "Paths";
    case OptionType::Choice:
      return "Choice";
    case OptionType::Choices:
      return "Choices";
    case OptionType::Integer:
      return "Integer";
    case OptionType::Number:
      return "Number";
    case OptionType::Integers:
      return "Integers";
    case OptionType::Numbers:
      return "Numbers";
    case OptionType::ByteCount:
      return "ByteCount";
    case OptionType::ByteCounts:
      return "ByteCounts";
    case OptionType::Count:
      return "Count";
    case OptionType::Duration:
      return "Duration";
    case OptionType::Ratio:
      return "Ratio";
    case OptionType::Globs:
      return "Globs";
    case OptionType::NamedShape:
      return "NamedShape";
    case OptionType::NamedWidths:
      return "NamedWidths";
    case OptionType::Widths:
      return "Widths";
  }
  throw InternalError("records", "unknown type of option");
}

Json option_json(const OptionRecord& record) {
  return {{"name", record.name},
          {"type", type_name(record.type)},
          {"value_name", record.value_name},
          {"fallback", record.fallback},
          {"default_text", default_text(record)},
          {"choices", split_choices(record.choices)},
          {"accepted_values", accepted_values(record)},
          {"required", record.required},
          {"group", record.group},
          {"text", record.text}};
}

template <typename Records>
Json options_json(const Records& records) {
  Json list = Json::array();
  for (const OptionRecord& record : records) list.push_back(option_json(record));
  return list;
}

Json command_json(const CommandRecord& command) {
  return {{"name", command.name},
          {"function", function_name(command)},
          {"summary", command.summary},
          {"description", command.description},
          {"runs_networks", command.runs_networks},
          {"operands", options_json(command.operands)},
          {"options", options_json(command.options)}};
}

}  // namespace

std::string records_text() {
  Json commands = Json::array();
  for (const CommandRecord& command : command_table()) commands.push_back(command_json(command));
  return Json{{"version", version()}, {"commands", commands}}.dump(1) + "\n";
}

}  // namespace ompq::app

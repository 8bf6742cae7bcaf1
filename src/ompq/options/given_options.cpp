#include "ompq/options/given_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"

namespace ompq {
namespace {

void read_texts(const OptionRecord& record,
                const std::vector<std::string>& texts,
                OptionValues& values) {
  if (texts.size() > 1 && !may_repeat(record.type)) {
    throw ConfigError(
        display_name(record),
        fmt::format(
            "is given {} times ('{}' and '{}'); give it once", texts.size(), texts[0], texts[1]));
  }
  if (record.type == OptionType::Globs && !texts.empty()) {
    values.set(record.name, parse_option(record, fmt::format("{}", fmt::join(texts, ","))));
    return;
  }
  if (record.type == OptionType::Paths && !texts.empty()) {
    for (const std::string& text : texts) static_cast<void>(parse_option(record, text));
    values.set(record.name, texts);
    return;
  }
  for (const std::string& text : texts) values.set(record.name, parse_option(record, text));
}

}  // namespace

std::vector<OptionRecord> all_records(const CommandRecord& command) {
  std::vector<OptionRecord> records(command.operands.begin(), command.operands.end());
  records.insert(records.end(), command.options.begin(), command.options.end());
  return records;
}

OptionValues read_options(const CommandRecord& command, const GivenOptions& given) {
  const std::vector<OptionRecord> records = all_records(command);
  OptionValues values = OptionValues::defaults(records);
  for (const OptionRecord& record : records) {
    if (record.type == OptionType::Flag) {
      if (given.flags.contains(record.name)) values.set(record.name, true);
    } else if (const auto texts = given.texts.find(record.name); texts != given.texts.end()) {
      read_texts(record, texts->second, values);
    }
  }
  values.apply_conditional_fallbacks(records);
  check_rules(command, values);
  return values;
}

}  // namespace ompq

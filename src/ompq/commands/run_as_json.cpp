#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ompq/commands/commands.h"
#include "ompq/core/error.h"
#include "ompq/report/json.h"

namespace ompq::commands {
namespace {

struct Row {
  std::string_view command;
  std::string (*run)(const Context&);
};

constexpr std::array<Row, 9> kRows{{
    {"inspect", [](const Context& context) { return report::to_json(inspect(context)); }},
    {"search", [](const Context& context) { return report::to_json(search(context)); }},
    {"quantize", [](const Context& context) { return report::to_json(quantize(context)); }},
    {"finetune", [](const Context& context) { return report::to_json(finetune(context)); }},
    {"compare", [](const Context& context) { return report::to_json(compare(context)); }},
    {"sweep", [](const Context& context) { return report::to_json(sweep(context)); }},
    {"latency-table",
     [](const Context& context) { return report::to_json(latency_table(context)); }},
    {"eval", [](const Context& context) { return to_json(evaluate(context)); }},
    {"diff", [](const Context& context) { return report::to_json(diff(context)); }},
}};

}  // namespace

std::string run_as_json(std::string_view command, const Context& context) {
  const auto row =
      std::ranges::find_if(kRows, [&](const Row& known) { return known.command == command; });
  if (row == kRows.end()) {
    throw InternalError("commands", fmt::format("'{}' is no command that runs networks", command));
  }
  return row->run(context);
}

}  // namespace ompq::commands

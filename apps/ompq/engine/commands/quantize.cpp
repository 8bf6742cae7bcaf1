#include <fmt/format.h>

#include "command_context.h"
#include "diagnosis_tables.h"
#include "ompq/core/byte_count.h"
#include "ompq/ptq/file_formats.h"
#include "result_tables.h"

namespace ompq::app {
namespace {

/// Says on standard error what is to come.
void announce(const report::MethodCost& cost) {
  const std::string search =
      cost.search_seconds > 0 ? fmt::format("search: up to {:.0f} s; ", cost.search_seconds) : "";
  fmt::print(stderr,
             "{}{} with {} samples: about {:.0f} s and {} of cached activations\n",
             search,
             cost.method,
             cost.samples,
             cost.seconds,
             format_bytes(cost.memory_bytes));
}

}  // namespace

void run_quantize(const CommandContext& context) {
  const OptionValues& options = context.options();
  commands::Context work = context.work;
  if (!options.flag("quiet")) work.announce = announce;
  const report::Quantization result = commands::quantize(work);
  fmt::print("{}", quantization_text(result));
  if (result.diagnosis) fmt::print("{}\n", diagnosis_text(*result.diagnosis));
  const std::string& output = options.text("output");
  fmt::print("network      {}\n", output);
  const ptq::FormatRow& format = ptq::file_format(options.text("format"));
  if (format.companion_file != nullptr) {
    fmt::print("{:<12} {}\n", format.companion, format.companion_file(output).string());
  }
  if (const auto file = options.maybe_text("result")) fmt::print("JSON result  {}\n", *file);
}

}  // namespace ompq::app

#include <fmt/format.h>

#include "ompq/allocation/latency_csv.h"
#include "ompq/commands/command_options.h"
#include "ompq/commands/command_rows.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/report/json.h"
#include "ompq/search/request_builder.h"

namespace ompq::commands {

report::LatencyTemplate latency_table(const Context& context) {
  const MemoryScope memory = memory_of(context, "latency-table");
  const OptionValues& options = context.options;
  check_outputs("latency-table", options);
  const pipeline::Model model = load_model(context);
  check_outputs("latency-table", options, model.data_files);
  const search::RequestOptions request = table_options(options);
  const std::string& file = options.text("output");
  write_file_atomically(file, allocation::latency_template(search::free_request(model, request)));
  return {.model = {model.file.string(), model.sha256, model.file_bytes},
          .file = file,
          .layers = static_cast<std::int64_t>(model.discovery.layers.size())};
}

namespace {

std::string latency_table_text_of(const Context& context) {
  const report::LatencyTemplate table = latency_table(context);
  return fmt::format(
      "{0}: fill in the microseconds of {1} layers, then\n"
      "next: ompq search {2} --data SRC --latency 5ms --latency-table {0}\n",
      display_text(table.file),
      table.layers,
      display_text(table.model.file));
}

}  // namespace

CommandRow latency_table_row() {
  return {.name = "latency-table",
          .json = json_of<latency_table>,
          .text = latency_table_text_of,
          .weight_copies = kCopiesWhileLoading};
}

}  // namespace ompq::commands

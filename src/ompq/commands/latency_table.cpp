#include "ompq/allocation/latency_csv.h"
#include "ompq/commands/command_options.h"
#include "ompq/commands/commands.h"
#include "ompq/commands/data_options.h"
#include "ompq/commands/output_check.h"
#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/load_model.h"
#include "ompq/search/request_builder.h"

namespace ompq::commands {

report::LatencyTemplate latency_table(const Context& context) {
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

}  // namespace ompq::commands

#include "ompq/allocation/latency_table.h"

#include <fmt/format.h>

#include "command_context.h"
#include "command_options.h"
#include "ompq/core/atomic_file.h"
#include "ompq/pipeline/requests.h"

namespace ompq::app {

void run_latency_table(const CommandContext& context) {
  const OptionValues& options = context.options;
  const pipeline::Model model = load_model(options);
  const pipeline::RequestOptions request = table_options(options);
  const auto& file = options.text("output");
  write_file_atomically(file, allocation::latency_template(pipeline::free_request(model, request)));
  fmt::print(
      "{}: fill in the microseconds of {} layers, then\n", file, model.discovery.layers.size());
  fmt::print("next: ompq search {} --data SRC --latency 5ms --latency-table {}\n",
             model.file.string(),
             file);
}

}  // namespace ompq::app

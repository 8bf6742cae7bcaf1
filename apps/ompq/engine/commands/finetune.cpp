#include <fmt/format.h>

#include "command_context.h"
#include "result_tables.h"
#include "training_tables.h"

namespace ompq::app {

void run_finetune(const CommandContext& context) {
  const OptionValues& options = context.options();
  commands::Context work = context.work;
  bool headed = false;
  work.on_epoch = [&](const report::EpochRecord& record) {
    context.say((headed ? "" : epoch_heading()) + epoch_line(record));
    headed = true;
  };
  fmt::print("{}", finetuning_text(commands::finetune(work)));
  fmt::print("network      {}\n", options.text("output"));
  if (const auto file = options.maybe_text("result")) fmt::print("JSON result  {}\n", *file);
}

}  // namespace ompq::app

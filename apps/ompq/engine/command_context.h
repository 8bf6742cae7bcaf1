#pragma once

#include <functional>
#include <string>

#include "ompq/core/options.h"
#include "ompq/core/progress.h"
#include "ompq/report/results.h"

namespace ompq::app {

/// What a command of the engine is given.
struct CommandContext {
  const OptionValues& options;  ///< operands and options, checked
  ProgressHandler progress;     ///< draws on standard error; does nothing with --quiet
  /// Prints whole lines on standard error, clear of what progress draws; nothing with --quiet.
  std::function<void(const std::string&)> say;
  report::Provenance provenance;  ///< for the JSON results
  [[nodiscard]] bool json() const { return options.flag("json"); }
};

// One function a command, in commands/NAME.cpp. It prints its result on standard output and
// throws ompq errors; anything else about the program's behaviour is the engine's business.
void run_inspect(const CommandContext& context);
void run_search(const CommandContext& context);
void run_quantize(const CommandContext& context);
void run_finetune(const CommandContext& context);
void run_compare(const CommandContext& context);
void run_sweep(const CommandContext& context);
void run_latency_table(const CommandContext& context);
void run_eval(const CommandContext& context);
void run_diff(const CommandContext& context);

}  // namespace ompq::app

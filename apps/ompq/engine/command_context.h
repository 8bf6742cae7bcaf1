#pragma once

#include <functional>
#include <string>

#include "ompq/commands/commands.h"
#include "ompq/options/options.h"

namespace ompq::app {

/// What a command of the engine is given.
struct CommandContext {
  /// Options, progress that draws on standard error (nothing with --quiet), provenance.
  commands::Context work;
  /// Prints whole lines on standard error, clear of what progress draws; nothing with --quiet.
  std::function<void(const std::string&)> say;
  [[nodiscard]] const OptionValues& options() const { return work.options; }
  [[nodiscard]] bool json() const { return work.options.flag("json"); }
};

// One function a command, in commands/NAME.cpp: prints its result on standard output as tables.
// Anything else about the program's behaviour is the engine's business, the result that of
// ompq/commands.
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

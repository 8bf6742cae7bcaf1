#pragma once

#include <string>
#include <string_view>

#include "ompq/commands/context.h"
#include "ompq/core/signal_shield.h"
#include "ompq/report/comparison.h"
#include "ompq/report/diff.h"
#include "ompq/report/json.h"
#include "ompq/runtime/library_errors.h"
#include "ompq/runtime/worker_signals.h"

namespace ompq::commands {

// One function for each command that runs networks: from options to the result, including writing
// all requested files. The program's output and Python's results are created from these by the rows
// of command_rows.h. @throws subclasses of ompq::Error, as the called functions, and exceptions of
// libraries; callers outside of this room use shielded().

[[nodiscard]] report::Inspection inspect(const Context& context);
[[nodiscard]] report::Search search(const Context& context);
[[nodiscard]] report::Quantization quantize(const Context& context);
[[nodiscard]] report::Finetuning finetune(const Context& context);
[[nodiscard]] report::Comparison compare(const Context& context);
[[nodiscard]] report::Sweep sweep(const Context& context);
[[nodiscard]] report::LatencyTemplate latency_table(const Context& context);
[[nodiscard]] report::EvaluatedNetwork evaluate(const Context& context);
[[nodiscard]] report::Diff diff(const Context& context);

/// For handlers of exceptions outside of this room.
using runtime::rethrow_in_own_words;

/// Runs one of the functions above with these arguments, with a SignalShield. @throws as that
/// function, but with the conversions of runtime::rethrow_in_own_words().
template <auto function, typename... Arguments>
[[nodiscard]] auto shielded(const Arguments&... arguments) {
  try {
    const SignalShield shield;
    runtime::shield_workers();
    return function(arguments...);
  } catch (...) {
    rethrow_in_own_words();
  }
}

/// Runs the command of this name (of command_table()). @return its result, one JSON document.
/// @throws InternalError for a command that does not run networks.
[[nodiscard]] std::string run_as_json(std::string_view command, const Context& context);
/// Likewise. @return its result as text, as printed by the program.
[[nodiscard]] std::string run_as_text(std::string_view command, const Context& context);

}  // namespace ompq::commands

#include "ompq/pipeline/memory_check.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "ompq/core/byte_count.h"
#include "ompq/core/error.h"
#include "ompq/core/machine_memory.h"
#include "ompq/core/memory_budget.h"
#include "ompq/runtime/pass_memory.h"

namespace ompq::pipeline {
namespace {

/// Whole MiB, rounded up, as --memory takes them.
std::string memory_text(std::int64_t bytes) {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20;
  return fmt::format("{}MiB", bytes / kMiB + (bytes % kMiB > 0 ? 1 : 0));
}

[[noreturn]] void refuse(const std::string& reason, std::int64_t needed) {
  throw ConfigError("--memory",
                    fmt::format("{} is not enough: {}; give --memory {} or more",
                                format_bytes(*given_memory()),
                                reason,
                                memory_text(needed)));
}

std::string weights_text(const Model& model) {
  return fmt::format("the weights of '{}' need {}",
                     model.file.string(),
                     format_bytes(model.file_bytes * weight_copies()));
}

}  // namespace

void check_memory_to_load(const std::filesystem::path& file) {
  const auto given = given_memory();
  std::error_code missing;
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(file, missing));
  if (!given || missing || bytes * kCopiesWhileLoading <= *given) return;
  refuse(fmt::format("'{}' has {}, and importing it needs {} times as much",
                     file.string(),
                     format_bytes(bytes),
                     kCopiesWhileLoading),
         bytes * std::max(kCopiesWhileLoading, weight_copies()));
}

void check_machine_memory(const Model& model) {
  const std::int64_t pass = runtime::pass_bytes(model.graph);
  const std::int64_t machine = machine_memory();
  if (pass <= machine) return;
  throw OutOfMemory("memory",
                    fmt::format("a pass of one sample through '{}' needs {}, but the machine has "
                                "{}; use a machine with more memory, or smaller inputs",
                                model.file.string(),
                                format_bytes(pass),
                                format_bytes(machine)));
}

void check_memory(const Model& model, bool gradients) {
  const auto given = given_memory();
  if (!given) return;
  const std::int64_t weights = add_weight_memory(model.file_bytes * weight_copies());
  std::int64_t pass = runtime::pass_bytes(model.graph);
  if (gradients) pass = std::max(pass, runtime::gradient_pass_bytes(model.graph));
  const std::int64_t needed = weights + kMemoryParts * pass;
  if (needed > *given) {
    refuse(fmt::format("{}, and a pass of one sample {}", weights_text(model), format_bytes(pass)),
           needed);
  }
}

void check_training_memory(const Model& model, std::int64_t batch) {
  const auto given = given_memory();
  if (!given) return;
  const std::int64_t weights = model.file_bytes * weight_copies();
  // The rest is for decoded samples.
  const std::int64_t sample = std::max<std::int64_t>(runtime::gradient_pass_bytes(model.graph), 1) *
                              kMemoryParts / (kMemoryParts - 1);
  if (weights + sample * batch <= *given) return;
  const std::int64_t possible = (*given - weights) / sample;
  const std::string smaller =
      possible > 0 ? fmt::format(" (--batch {} would fit)", possible) : std::string();
  refuse(fmt::format("{}, and a training step of {} samples {}{}",
                     weights_text(model),
                     batch,
                     format_bytes(sample * batch),
                     smaller),
         weights + sample * batch);
}

}  // namespace ompq::pipeline

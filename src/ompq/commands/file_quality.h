#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ompq/commands/context.h"

namespace ompq::commands {

/// Runs a command for a shell with the file's path as its last argument, and reads the number in
/// the last line that it prints.
/// @throws DataError naming the file if the command fails or prints no number; Interrupted if it
/// was ended by SIGINT.
[[nodiscard]] double run_eval_command(const std::string& command,
                                      const std::filesystem::path& file);

/// The quality of a network's file: of Context::judge, or of --eval-command; nullopt if there is
/// neither. @throws as run_eval_command(); DataError if the number is not finite.
[[nodiscard]] std::optional<double> quality_of(const Context& context,
                                               const std::filesystem::path& file);

}  // namespace ompq::commands

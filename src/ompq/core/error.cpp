#include "ompq/core/error.h"

#include <filesystem>

#include <fmt/format.h>

namespace ompq {

Error::Error(std::string_view where, std::string_view message)
    : std::runtime_error(fmt::format("[{}] {}", where, message)), where_(where) {}

std::string Error::reason() const { return std::string(what()).substr(where_.size() + 3); }

ExitCode exit_code_for(const std::exception& error) {
  if (dynamic_cast<const InfeasibleBudget*>(&error) != nullptr) return ExitCode::NoAllocation;
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) return ExitCode::WrongUsage;
  if (dynamic_cast<const Interrupted*>(&error) != nullptr) return ExitCode::Interrupted;
  if (dynamic_cast<const InternalError*>(&error) != nullptr) return ExitCode::OwnFault;
  if (dynamic_cast<const Error*>(&error) != nullptr) return ExitCode::BadInput;
  // The user's file or folder cannot be used; the message names it.
  if (dynamic_cast<const std::filesystem::filesystem_error*>(&error) != nullptr) {
    return ExitCode::BadInput;
  }
  return ExitCode::OwnFault;
}

}  // namespace ompq

#include "ompq/core/error.h"

namespace ompq {

ExitCode exit_code_for(const std::exception& error) {
  if (dynamic_cast<const InfeasibleBudget*>(&error) != nullptr) return ExitCode::NoAllocation;
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) return ExitCode::WrongUsage;
  if (dynamic_cast<const Interrupted*>(&error) != nullptr) return ExitCode::Interrupted;
  if (dynamic_cast<const InternalError*>(&error) != nullptr) return ExitCode::OwnFault;
  if (dynamic_cast<const Error*>(&error) != nullptr) return ExitCode::BadInput;
  return ExitCode::OwnFault;
}

}  // namespace ompq

#include "ompq/core/error.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/display_text.h"

namespace ompq {
namespace {

constexpr std::size_t kMostPlace = 300;  // characters of the place in a message

std::string place_text(std::string_view where) { return display_name(where, kMostPlace); }

/// Bytes left for a message after its place.
std::size_t room_after(std::string_view place) {
  constexpr std::size_t kLeast = 600;
  return std::max(kLeast, kMostMessage - std::min(kMostMessage, place.size()));
}

}  // namespace

Error::Error(std::string_view where, std::string_view message)
    : Error(place_text(where), message, Shown{}) {}

Error::Error(std::string_view where, const std::vector<std::string>& lines)
    : Error(place_text(where), lines, Shown{}) {}

Error::Error(std::string place, std::string_view message, Shown)
    : std::runtime_error(
          fmt::format("[{}] {}", place, display_message(message, room_after(place)))),
      where_(std::move(place)) {}

Error::Error(std::string place, const std::vector<std::string>& lines, Shown)
    : std::runtime_error(fmt::format("[{}] {}", place, display_message(lines, room_after(place)))),
      where_(std::move(place)) {}

std::string Error::reason() const { return std::string(what()).substr(where_.size() + 3); }

ExitCode exit_code_for(const std::exception& error) {
  if (dynamic_cast<const InfeasibleBudget*>(&error) != nullptr) return ExitCode::NoAllocation;
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) return ExitCode::WrongUsage;
  if (dynamic_cast<const Interrupted*>(&error) != nullptr) return ExitCode::Interrupted;
  if (dynamic_cast<const InternalError*>(&error) != nullptr) return ExitCode::OwnFault;
  if (dynamic_cast<const Error*>(&error) != nullptr) return ExitCode::BadInput;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return ExitCode::BadInput;
  // The user's file or folder cannot be used; the message names it.
  if (dynamic_cast<const std::filesystem::filesystem_error*>(&error) != nullptr) {
    return ExitCode::BadInput;
  }
  return ExitCode::OwnFault;
}

}  // namespace ompq

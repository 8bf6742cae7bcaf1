#pragma once

#include <string>
#include <string_view>

namespace ompq::app {

/// The completion script for "bash" or "zsh", generated from command_table().
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace ompq::app

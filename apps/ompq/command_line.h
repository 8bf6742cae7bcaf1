#pragma once

#include <span>
#include <string>
#include <variant>

#include "request.h"

namespace ompq::app {

/// A request that needs no engine.
struct Answer {
  enum class Kind { Help, Version, Documentation };
  Kind kind = Kind::Help;
  std::string
      subject;  ///< Help: the command, "" for the program; Documentation: "markdown" | "man"
  bool verbose = false;  ///< Version: with the libraries' versions
};

/// Reads the command line against command_table(). Options may come before or after operands, as
/// "--name value", "--name=value" or "-n value".
/// @throws ConfigError saying what is wrong and, for a typo, the probable name.
[[nodiscard]] std::variant<CommandRequest, Answer> parse_command_line(int argc,
                                                                      const char* const* argv);

}  // namespace ompq::app

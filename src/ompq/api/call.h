#pragma once

#include <filesystem>
#include <string_view>

#include "ompq/commands/context.h"
#include "ompq/load.h"
#include "ompq/options.h"
#include "ompq/search.h"

namespace ompq::api {

/// The input of a command: the options, checked against the command's records, with arrays copied.
/// @throws ConfigError in the same cases as the command line.
[[nodiscard]] commands::Context context_of(const Options& options);

/// The options of one call: those that were set, and the members of the typed structs. Empty
/// members are unset. @throws ConfigError if an option is given both ways.
class Call {
 public:
  explicit Call(const Options& options) : options_(options) {}

  Call& model(const ModelRef& model, std::string_view operand = "MODEL");
  Call& samples(std::string_view name, const Samples& samples);
  Call& path(std::string_view name, const std::filesystem::path& path);
  Call& value(std::string_view name, const OptionValue& value);
  Call& budget(const Budget& budget);

  [[nodiscard]] commands::Context context() const { return context_of(options_); }

 private:
  void require_unset(std::string_view name) const;

  Options options_;
};

}  // namespace ompq::api

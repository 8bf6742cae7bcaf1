#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/error.h"

namespace ompq {

/// Collects all errors of a file, to report them together.
class ErrorList {
 public:
  void add(std::string error) { errors_.push_back(std::move(error)); }
  [[nodiscard]] bool empty() const { return errors_.empty(); }
  /// A single error unchanged; several as a list (see Error) after a line with their count.
  template <typename Kind>
  void throw_if_any(std::string_view where) const {
    if (errors_.size() == 1) throw Kind(where, errors_.front());
    if (!errors_.empty()) throw Kind(where, lines());
  }

 private:
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines{std::to_string(errors_.size()) + " errors:"};
    for (const std::string& error : errors_) lines.push_back("  " + error);
    return lines;
  }

  std::vector<std::string> errors_;
};

}  // namespace ompq

#pragma once

#include <cstddef>
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
  /// A single error unchanged; several as a list (the first 20) after a line with their count.
  [[nodiscard]] std::string text() const {
    if (errors_.size() == 1) return errors_.front();
    std::string text = std::to_string(errors_.size()) + " errors:";
    for (std::size_t c = 0; c < errors_.size(); ++c) {
      if (c == kMostShown) {
        return text + "\n  and " + std::to_string(errors_.size() - c) + " more";
      }
      text += "\n  " + errors_[c];
    }
    return text;
  }
  template <typename Kind>
  void throw_if_any(std::string_view where) const {
    if (!errors_.empty()) throw Kind(where, text());
  }

 private:
  static constexpr std::size_t kMostShown = 20;
  std::vector<std::string> errors_;
};

}  // namespace ompq

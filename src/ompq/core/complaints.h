#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ompq/core/error.h"

namespace ompq {

/// Everything that is wrong with a file, said at once.
class Complaints {
 public:
  void add(std::string complaint) { complaints_.push_back(std::move(complaint)); }
  [[nodiscard]] bool empty() const { return complaints_.empty(); }
  /// One complaint as it is; several under a line that counts them, the first 20 of them.
  [[nodiscard]] std::string text() const {
    if (complaints_.size() == 1) return complaints_.front();
    std::string text = std::to_string(complaints_.size()) + " things are wrong:";
    for (std::size_t c = 0; c < complaints_.size(); ++c) {
      if (c == kMostShown) {
        return text + "\n  and " + std::to_string(complaints_.size() - c) + " more";
      }
      text += "\n  " + complaints_[c];
    }
    return text;
  }
  template <typename Kind>
  void throw_if_any(std::string_view where) const {
    if (!complaints_.empty()) throw Kind(where, text());
  }

 private:
  static constexpr std::size_t kMostShown = 20;
  std::vector<std::string> complaints_;
};

}  // namespace ompq

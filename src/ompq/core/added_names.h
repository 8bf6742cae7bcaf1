#pragma once

#include <string_view>
#include <vector>

namespace ompq {

// Names of rows that were added to a table while the program runs, by what they are names of:
// "metric", "allocator", "method", "format", "training format". Options whose value is such a name
// accept them (options/choices.h) without a room that knows the rows.

/// In the order in which they were added.
[[nodiscard]] std::vector<std::string_view> added_names(std::string_view kind);

/// A name that is among added_names() while this lives. No other thread may read them meanwhile.
class ScopedName {
 public:
  /// Both outlive this.
  ScopedName(std::string_view kind, std::string_view name);
  ~ScopedName();
  ScopedName(const ScopedName&) = delete;
  ScopedName& operator=(const ScopedName&) = delete;

 private:
  std::string_view kind_;
  std::string_view name_;
};

}  // namespace ompq

#pragma once

#include <string_view>
#include <vector>

namespace ompq {

// Names of rows that were added to a table at run time, by kind: "metric", "allocator", "method",
// "format", "training format". Options whose value is such a name accept them (options/choices.h),
// although options/ does not depend on the tables.

/// In the order of addition.
[[nodiscard]] std::vector<std::string_view> added_names(std::string_view kind);

/// A name that is in added_names() during its lifetime. Not thread-safe against readers.
class ScopedName {
 public:
  /// Both must outlive this.
  ScopedName(std::string_view kind, std::string_view name);
  ~ScopedName();
  ScopedName(const ScopedName&) = delete;
  ScopedName& operator=(const ScopedName&) = delete;

 private:
  std::string_view kind_;
  std::string_view name_;
};

}  // namespace ompq

#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace ompq::testing {

/// The checkout's root.
[[nodiscard]] std::filesystem::path source_dir();

/// The folder with real models, data and golden numbers that may stand next to the checkout
/// (or where OMPQ_SHARED_DIR says); nothing where it is missing.
[[nodiscard]] std::optional<std::filesystem::path> shared_dir();

/// A fresh empty directory, removed with everything in it at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace ompq::testing

/// Defines `name` as the shared folder, or skips the test, visibly, where there is none.
#define OMPQ_SHARED_OR_SKIP(name)                                  \
  const auto name##_found = ::ompq::testing::shared_dir();         \
  if (!name##_found) GTEST_SKIP() << "needs the folder ../shared"; \
  const std::filesystem::path name = *name##_found

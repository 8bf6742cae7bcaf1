#include "support/paths.h"

#include <cstdlib>
#include <stdexcept>

namespace ompq::testing {

namespace fs = std::filesystem;

fs::path source_dir() { return OMPQ_SOURCE_DIR; }

std::optional<fs::path> shared_dir() {
  const char* named = std::getenv("OMPQ_SHARED_DIR");
  const fs::path candidate = named != nullptr ? fs::path(named) : source_dir() / ".." / "shared";
  if (!fs::is_directory(candidate / "golden")) return std::nullopt;
  return fs::canonical(candidate);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "ompq-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::permissions(path_, fs::perms::owner_all, fs::perm_options::add, ignored);
  fs::remove_all(path_, ignored);
}

}  // namespace ompq::testing

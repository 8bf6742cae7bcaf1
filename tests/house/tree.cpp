#include "house/tree.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "support/paths.h"

namespace ompq::testing {
namespace fs = std::filesystem;
namespace {

bool is_foreign(const fs::path& path) {
  constexpr std::array<std::string_view, 5> kNames{
      "build", "node_modules", "venv", ".git", ".cache"};
  return std::ranges::find(kNames, path.filename().string()) != kNames.end();
}

/// A zero byte in the first kilobyte tells images, models and archives from text.
bool is_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 1024> start{};
  stream.read(start.data(), start.size());
  return std::find(start.data(), start.data() + stream.gcount(), '\0') ==
         start.data() + stream.gcount();
}

}  // namespace

std::string place(const Line& line) {
  return line.file + ":" + std::to_string(line.number) + ": " + line.text;
}

std::vector<std::string> text_files(const std::string& folder) {
  std::vector<std::string> files;
  for (auto entry = fs::recursive_directory_iterator(source_dir() / folder); entry != end(entry);
       ++entry) {
    if (is_foreign(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && is_text(entry->path())) {
      files.push_back(fs::relative(entry->path(), source_dir()).string());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::vector<Line> lines_of(const std::string& file) {
  std::ifstream stream(source_dir() / file);
  std::vector<Line> lines;
  for (std::string text; std::getline(stream, text);) {
    lines.push_back({file, static_cast<int>(lines.size()) + 1, text});
  }
  return lines;
}

std::string included(const Line& line) {
  std::istringstream words(line.text);
  std::string directive;
  std::string what;
  words >> directive >> what;
  return directive == "#include" ? what : "";
}

std::string room_of(std::string_view path) {
  for (const std::string_view root : {"ompq/", "src/ompq/"}) {
    if (!path.starts_with(root)) continue;
    const std::string_view rest = path.substr(root.size());
    const std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos) return std::string(rest.substr(0, slash));
  }
  return "";
}

}  // namespace ompq::testing

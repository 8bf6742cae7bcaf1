#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace ompq::fuzz {

/// A file with an input's bytes, for readers that open files. In memory where the system has such a
/// folder; removed with this object.
class InputFile {
 public:
  InputFile(std::string_view bytes, const std::string& name) {
    namespace fs = std::filesystem;
    const fs::path memory = "/dev/shm";
    std::string folder =
        (fs::is_directory(memory) ? memory : fs::temp_directory_path()) / "ompq-fuzz-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    std::ofstream(path(name), std::ios::binary) << bytes;
    file_ = path(name);
  }
  ~InputFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

}  // namespace ompq::fuzz

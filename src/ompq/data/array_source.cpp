#include "ompq/data/array_source.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/npy.h"
#include "ompq/data/zip.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kArraySuffix = ".npy";

/// Sources whose arrays are .npy bytes.
class ByteSource : public ArraySource {
 public:
  [[nodiscard]] const std::vector<std::string>& names() const override { return names_; }
  [[nodiscard]] Tensor read(const std::string& name) override {
    return parse_npy(bytes_of(name), title_of(name));
  }
  [[nodiscard]] std::vector<std::string> read_text(const std::string& name) override {
    return parse_npy_text(bytes_of(name), title_of(name));
  }

 protected:
  [[nodiscard]] virtual std::string bytes_of(const std::string& name) = 0;
  /// The array's name in messages.
  [[nodiscard]] virtual std::string title_of(const std::string& name) const = 0;
  void set_names(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names_ = std::move(names);
  }

 private:
  std::vector<std::string> names_;
};

class NpzSource final : public ByteSource {
 public:
  explicit NpzSource(const fs::path& file) : name_(file.string()), archive_(file) {
    std::vector<std::string> names;
    for (const ZipReader::Member& member : archive_.members()) {
      if (!std::string_view(member.name).ends_with(kArraySuffix)) continue;
      const std::string name = member.name.substr(0, member.name.size() - kArraySuffix.size());
      if (members_.insert_or_assign(name, member).second) names.push_back(name);
    }
    set_names(std::move(names));
  }

 private:
  [[nodiscard]] std::string bytes_of(const std::string& name) override {
    return archive_.read(members_.at(name));
  }
  [[nodiscard]] std::string title_of(const std::string& name) const override {
    return fmt::format("{}, array {}", name_, name);
  }

  std::string name_;
  ZipReader archive_;
  std::map<std::string, ZipReader::Member> members_;
};

class NpyFiles final : public ByteSource {
 public:
  explicit NpyFiles(std::map<std::string, fs::path> files) : files_(std::move(files)) {
    std::vector<std::string> names;
    for (const auto& [name, file] : files_) names.push_back(name);
    set_names(std::move(names));
  }

 private:
  [[nodiscard]] std::string bytes_of(const std::string& name) override {
    return read_file(files_.at(name));
  }
  [[nodiscard]] std::string title_of(const std::string& name) const override {
    return files_.at(name).string();
  }

  std::map<std::string, fs::path> files_;
};

class MemorySource final : public ArraySource {
 public:
  MemorySource(const NamedArrays& arrays, std::string name)
      : arrays_(arrays), name_(std::move(name)) {
    for (const auto& [array, tensor] : arrays_) names_.push_back(array);
  }
  [[nodiscard]] const std::vector<std::string>& names() const override { return names_; }
  [[nodiscard]] Tensor read(const std::string& name) override { return arrays_.at(name); }
  [[nodiscard]] std::vector<std::string> read_text(const std::string& name) override {
    throw DataError(fmt::format("{}, array {}", name_, name), "the array's elements are not text");
  }

 private:
  NamedArrays arrays_;  ///< shares the tensors' bytes
  std::string name_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<ArraySource> npz_source(const fs::path& file) {
  return std::make_unique<NpzSource>(file);
}

std::unique_ptr<ArraySource> npy_source(std::map<std::string, fs::path> files) {
  return std::make_unique<NpyFiles>(std::move(files));
}

std::unique_ptr<ArraySource> memory_source(const NamedArrays& arrays, const std::string& name) {
  return std::make_unique<MemorySource>(arrays, name);
}

}  // namespace ompq::data

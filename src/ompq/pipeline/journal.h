#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ompq::pipeline {

/// Finished units of long work, one JSON line each, so that the same command resumes after an
/// interruption. A line is on disk before `append` returns; an incomplete line is dropped when the
/// journal is opened again. One process at a time.
class Journal {
 public:
  /// Opens or creates the journal at `path`.
  /// @param fingerprint  of everything that results depend on (version, model, samples, options). A
  /// journal with another fingerprint is restarted with a warning, since its units are not valid
  /// for this run.
  /// @throws FileError if the file cannot be opened or locked; DataError if it is not a journal, or
  /// has the format of another version; it is then unchanged.
  Journal(std::filesystem::path path, std::string fingerprint);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The JSON text appended for `key`; nullopt if that unit is not finished.
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  /// @param json  one JSON value. @throws FileError if it cannot be written (disk full).
  void append(std::string_view key, std::string_view json);
  /// Number of units when the journal was opened.
  [[nodiscard]] std::size_t resumed() const { return resumed_; }
  /// Number of units now.
  [[nodiscard]] std::size_t size() const { return units_.size(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Closes the journal and removes the file, after all work is done.
  void finish();

 private:
  void begin(const std::string& header);
  void resume(const std::string& text);
  void write_line(const std::string& bytes);

  std::filesystem::path path_;
  int file_ = -1;
  std::map<std::string, std::string, std::less<>> units_;
  std::size_t resumed_ = 0;
};

}  // namespace ompq::pipeline

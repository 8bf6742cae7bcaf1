#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ompq::pipeline {

/// Finished units of long work, one JSON line each, so that the same command goes on where a kill
/// stopped it. A line is on disk before `append` returns; a line that a kill tore is dropped when
/// the journal is opened again. One process at a time.
class Journal {
 public:
  /// Opens or begins the journal at `path`.
  /// @param fingerprint  what the results depend on (version, model, samples, options). A journal
  /// that was kept under another one is started again, which the log says: its units would be wrong
  /// here, and whoever starts another run at the same output has done with them.
  /// @throws FileError if the file cannot be opened or locked; DataError if it is no journal, or
  /// one in the format of another version; it is then not touched.
  Journal(std::filesystem::path path, std::string fingerprint);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// What was appended under `key`, JSON text; nothing if that unit is still to do.
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  /// @param json  one JSON value. @throws FileError if it cannot be written (disk full).
  void append(std::string_view key, std::string_view json);
  /// Units that were there when the journal was opened.
  [[nodiscard]] std::size_t resumed() const { return resumed_; }
  /// Units that are kept now.
  [[nodiscard]] std::size_t size() const { return units_.size(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The work is done: closes the journal and removes the file.
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

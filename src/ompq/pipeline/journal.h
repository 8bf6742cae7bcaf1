#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ompq/core/append_file.h"
#include "ompq/core/error.h"
#include "ompq/core/unfinished_file.h"

namespace ompq::pipeline {

/// Finished units of long work, one JSON line each, so that the same command resumes after an
/// interruption. A line is on disk before `append` returns; an incomplete line is dropped when the
/// journal is opened again. One process at a time.
///
/// A journal may have been damaged or changed, so users check every unit as if a stranger had
/// written it: take() drops a unit that does not fit, and the work is done again.
class Journal {
 public:
  /// Opens or creates the journal at `path`.
  /// @param fingerprint  of everything that results depend on (version, model, samples, options). A
  /// journal with another fingerprint is restarted with a warning, since its units are not valid
  /// for this run.
  /// @throws FileError if the file cannot be opened or locked; DataError if it is not a journal, or
  /// has the format of another version; it is then unchanged.
  Journal(std::filesystem::path path, std::string fingerprint);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The JSON text appended for `key`; nullopt if that unit is not finished.
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  /// What `use` makes of the unit's text; nullopt if it is not finished. If `use` throws an Error,
  /// see drop_from().
  template <typename Use>
  auto take(std::string_view key, const Use& use)
      -> std::optional<decltype(use(std::declval<const std::string&>()))> {
    const auto unit = find(key);
    if (!unit) return std::nullopt;
    try {
      return use(*unit);
    } catch (const Error& error) {
      drop_from(key, error.reason());
    }
    return std::nullopt;
  }
  /// Removes a unit that cannot be used, and those after it, which depend on it, with a warning.
  void drop_from(std::string_view key, std::string_view reason);
  /// @param json  one JSON value. @throws FileError if it cannot be written (disk full).
  void append(std::string_view key, std::string_view json);
  /// Number of units when the journal was opened.
  [[nodiscard]] std::size_t resumed() const { return resumed_; }
  /// Number of units now.
  [[nodiscard]] std::size_t size() const { return units_.size(); }
  [[nodiscard]] const std::filesystem::path& path() const { return file_->path(); }
  /// Closes the journal and removes the file, after all work is done.
  void finish();

 private:
  void begin(const std::string& header);
  void resume(const std::string& text);
  void write_line(std::string_view line);

  struct Unit {
    std::string json;
    std::size_t begin = 0;  ///< of its line in the file
  };
  std::optional<AppendFile> file_;  ///< until finish()
  std::map<std::string, Unit, std::less<>> units_;
  std::size_t resumed_ = 0;
  std::optional<UnfinishedFile> without_units_;  ///< such a journal is useless
};

}  // namespace ompq::pipeline

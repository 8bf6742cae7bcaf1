#include <limits>
#include <sstream>

#include <fmt/format.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/data/image_files.h"
#include "ompq/data/labels.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

/// One line of comma-separated fields; "" inside of quotes is a quote.
std::vector<std::string> split_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      const bool doubled = quoted && i + 1 < line.size() && line[i + 1] == '"';
      if (doubled) fields.back().push_back(line[++i]);
      if (!doubled) quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(line[i]);
    }
  }
  return fields;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// Reads line by line and keeps the line number for errors.
class LabelReader {
 public:
  LabelReader(const fs::path& root, bool missing_are_broken)
      : csv_((root / "labels.csv").string()),
        missing_are_broken_(missing_are_broken),
        files_{root, {}, {}} {}

  void read_line(std::string_view raw) {
    ++line_;
    if (line_ == 1 && raw.starts_with("\xef\xbb\xbf")) raw.remove_prefix(3);  // byte-order mark
    const std::string_view line = trimmed(raw);
    if (line.empty()) return;
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() != 2) {
      fail(fmt::format("has {} columns; a line is file,label", fields.size()));
    }
    const std::string_view name = trimmed(fields[0]);
    const std::string_view label = trimmed(fields[1]);
    if (line_ == 1 && name == "file" && label == "label") return;
    std::error_code ignored;
    if (!missing_are_broken_ && !fs::is_regular_file(files_.root / name, ignored)) {
      fail(fmt::format("names \"{}\", which does not exist", name));
    }
    files_.names.emplace_back(name);
    add_label(label);
  }

  [[nodiscard]] ImageFiles take() {
    if (!files_.labels.fault.empty()) files_.labels.values.clear();
    return std::move(files_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw DataError(csv_, fmt::format("line {} {}", line_, reason));
  }

  void add_label(std::string_view text) {
    const auto label = label_of(text);
    if (label) files_.labels.values.push_back(*label);
    if (label || files_.labels.bad_number) return;
    files_.labels.bad_number = is_number(text);
    if (!files_.labels.fault.empty() && !files_.labels.bad_number) return;
    files_.labels.fault =
        fmt::format("line {} of {} has label \"{}\"; a label is a whole number from 0 to {}",
                    line_,
                    csv_,
                    display_name(text),
                    std::numeric_limits<std::int32_t>::max());
  }

  std::string csv_;
  bool missing_are_broken_;
  ImageFiles files_;
  int line_ = 0;
};

}  // namespace

ImageFiles list_labelled(const fs::path& root, bool missing_are_broken) {
  std::istringstream lines(read_file(root / "labels.csv"));
  LabelReader reader(root, missing_are_broken);
  for (std::string line; std::getline(lines, line);) reader.read_line(line);
  return reader.take();
}

}  // namespace ompq::data

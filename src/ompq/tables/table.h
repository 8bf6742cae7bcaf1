#pragma once

#include <string>
#include <vector>

namespace ompq::tables {

enum class Align { Left, Right };

/// A text table: aligned columns under a heading, two spaces apart.
///
///     layer    bits  bytes
///     conv1       8   3456
///
/// Texts of cells may come from files: they are escaped and shortened (core/display_text.h).
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns);
  /// @throws InternalError if the number of cells differs from the number of columns.
  void add_row(const std::vector<std::string>& cells);
  /// A horizontal line, for example above a sum.
  void add_rule();
  /// The table's text, with a newline after each line and without trailing blanks.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

}  // namespace ompq::tables

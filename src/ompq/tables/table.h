#pragma once

#include <string>
#include <vector>

namespace ompq::tables {

enum class Align { Left, Right };

/// A table for people: aligned columns under a heading, two spaces apart.
///
///     layer    bits  bytes
///     conv1       8   3456
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// @throws InternalError if the number of cells is not that of the columns.
  void add_row(std::vector<std::string> cells);
  /// A rule across the table, for example above a sum.
  void add_rule();
  /// The table, each line ended by a newline and free of trailing blanks.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

}  // namespace ompq::tables

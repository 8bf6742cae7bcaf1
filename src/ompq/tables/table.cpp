#include "ompq/tables/table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"
#include "ompq/tables/display_width.h"

namespace ompq::tables {
namespace {

constexpr std::size_t kGap = 2;

void append_cell(std::string& line, const std::string& cell, std::size_t width, Align align) {
  const std::size_t padding = width - display_width(cell);
  if (align == Align::Right) line.append(padding, ' ');
  line += cell;
  if (align == Align::Left) line.append(padding, ' ');
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_) column.title = display_name(column.title);
}

void Table::add_row(const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    throw InternalError(
        "table", fmt::format("{} cells in a row of {} columns", cells.size(), columns_.size()));
  }
  rows_.push_back(display_names(cells));
}

void Table::add_rule() { rows_.emplace_back(); }

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::size_t total = kGap * (columns_.size() - 1);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = display_width(columns_[c].title);
    for (const auto& row : rows_) {
      if (!row.empty()) width = std::max(width, display_width(row[c]));
    }
    widths.push_back(width);
    total += width;
  }

  std::string text;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      append_cell(line, cell_of(c), widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  const std::string rule = std::string(total, '-') + '\n';
  append_line([&](std::size_t c) -> const std::string& { return columns_[c].title; });
  text += rule;
  for (const auto& row : rows_) {
    if (row.empty()) {
      text += rule;
    } else {
      append_line([&](std::size_t c) -> const std::string& { return row[c]; });
    }
  }
  return text;
}

}  // namespace ompq::tables

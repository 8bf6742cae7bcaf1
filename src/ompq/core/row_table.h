#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/nearest_name.h"

namespace ompq {

/// The row with this `name`. @throws ConfigError as refuse_name() does.
template <typename Row>
[[nodiscard]] const Row& row_named(std::span<const Row> rows,
                                   std::string_view name,
                                   std::string_view where,
                                   std::string_view kind) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  refuse_name(where, kind, name, names);
}

/// The rows of a dispatch table (operators, metrics, commands, ...), in the order in which they are
/// listed. Rows do not move in memory, so a pointer to one stays valid.
template <typename Row>
class RowTable {
 public:
  explicit RowTable(std::vector<Row> rows) : listed_(rows.size()) {
    rows_.reserve(rows.size() + kMostAdded);
    for (Row& row : rows) rows_.push_back(std::move(row));
  }
  RowTable(const RowTable&) = delete;
  RowTable& operator=(const RowTable&) = delete;

  [[nodiscard]] std::span<const Row> rows() const { return rows_; }

  /// The first row for which `is` returns true; nullptr if there is none.
  template <typename Predicate>
  [[nodiscard]] const Row* find_if(Predicate is) const {
    const auto found = std::find_if(rows_.begin(), rows_.end(), is);
    return found == rows_.end() ? nullptr : &*found;
  }
  /// The row with this `name`; nullptr if there is none.
  [[nodiscard]] const Row* find(std::string_view name) const {
    return find_if([&](const Row& row) { return row.name == name; });
  }

  /// The row with this `name`. @throws ConfigError as refuse_name() does.
  [[nodiscard]] const Row& get(std::string_view name,
                               std::string_view where,
                               std::string_view kind) const {
    return row_named(rows(), name, where, kind);
  }

  /// For ScopedRow. @throws InternalError if adding the row would move the others in memory.
  const Row& push(Row row) {
    if (rows_.size() >= listed_ + kMostAdded) {
      throw InternalError("core", fmt::format("a table takes at most {} added rows", kMostAdded));
    }
    return rows_.emplace_back(std::move(row));
  }
  void pop() { rows_.pop_back(); }

 private:
  static constexpr std::size_t kMostAdded = 8;
  std::size_t listed_;
  std::vector<Row> rows_;
};

/// Adds a row to a table for its own lifetime, e.g. in a test. Several must be destroyed in reverse
/// order. No other thread may use the table while a row is added or removed.
template <typename Row>
class ScopedRow {
 public:
  ScopedRow(RowTable<Row>& table, Row row) : table_(table), row_(table.push(std::move(row))) {}
  ~ScopedRow() { table_.pop(); }
  ScopedRow(const ScopedRow&) = delete;
  ScopedRow& operator=(const ScopedRow&) = delete;

  [[nodiscard]] const Row& row() const { return row_; }

 private:
  RowTable<Row>& table_;
  const Row& row_;
};

}  // namespace ompq

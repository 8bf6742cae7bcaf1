#pragma once

#include <optional>
#include <utility>

#include "ompq/core/added_names.h"
#include "ompq/core/row_table.h"
#include "ompq/ptq/file_formats.h"
#include "ompq/ptq/rounding_method.h"

namespace ompq::ptq {

// Temporarily added rows, for example in tests. Options accept their names during the lifetime of
// these objects.

/// A rounding method.
class ScopedMethod {
 public:
  explicit ScopedMethod(MethodRow row) : name_("method", row.name), row_(method_rows(), row) {}

 private:
  ScopedName name_;
  ScopedRow<MethodRow> row_;
};

/// A file format.
class ScopedFormat {
 public:
  explicit ScopedFormat(const FormatRow& row)
      : name_("format", row.name), row_(format_rows(), row) {
    if (row.after_epochs) training_name_.emplace("training format", row.name);
  }

 private:
  ScopedName name_;
  std::optional<ScopedName> training_name_;
  ScopedRow<FormatRow> row_;
};

}  // namespace ompq::ptq

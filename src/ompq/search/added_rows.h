#pragma once

#include <string_view>

#include "ompq/core/added_names.h"
#include "ompq/core/row_table.h"
#include "ompq/search/allocator_table.h"

namespace ompq::search {

// Temporarily added rows, for example in tests. Options accept their names during the lifetime of
// these objects.

/// An allocator with its own solver.
class ScopedAllocator {
 public:
  /// @param row  has the name of `solver`, and of the metric that it needs, if any.
  ScopedAllocator(allocation::Allocator solver, AllocatorRow row)
      : solver_(allocation::allocator_rows(), std::move(solver)),
        row_(allocator_table_rows(), row),
        name_("allocator", row.name) {}

 private:
  ScopedRow<allocation::Allocator> solver_;
  ScopedRow<AllocatorRow> row_;
  ScopedName name_;
};

/// A metric and the allocator that uses it.
class ScopedMetric {
 public:
  explicit ScopedMetric(const sensitivity::Metric& metric)
      : row_(allocator_table_rows(), row_of_metric(metric)),
        metric_(sensitivity::metric_rows(), metric),
        metric_name_("metric", metric.name),
        allocator_name_("allocator", metric.name) {}

 private:
  ScopedRow<AllocatorRow> row_;
  ScopedRow<sensitivity::Metric> metric_;
  ScopedName metric_name_;
  ScopedName allocator_name_;
};

}  // namespace ompq::search

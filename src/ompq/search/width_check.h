#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ompq/allocation/request.h"
#include "ompq/pipeline/network.h"
#include "ompq/search/search_options.h"

namespace ompq::search {

/// Checks widths that come from a journal: they must be an allocation that the same search could
/// have made, since whoever wrote the journal may have written anything.
class WidthCheck {
 public:
  /// Both must outlive this. @throws as free_request.
  WidthCheck(const pipeline::Model& model, const SearchOptions& options);

  struct Result {
    allocation::Cost cost;
    std::int64_t bytes = 0;  ///< of the file
  };
  /// @param activation_bits  per layer; empty: the widest ones.
  /// @throws DataError unless there is one width for each layer, all are candidates, tied layers
  /// and readers of one tensor have equal widths, and the budget is kept (which rounding to nearest
  /// need not do).
  [[nodiscard]] Result check(std::string_view allocator,
                             const allocation::Budget& budget,
                             const std::vector<int>& weight_bits,
                             std::vector<int> activation_bits = {}) const;

 private:
  const SearchOptions& options_;
  allocation::AllocationRequest free_;
  pipeline::FileSize size_;
};

}  // namespace ompq::search

#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <dnnl.hpp>

#include "ompq/runtime/dnnl_support.h"

namespace ompq::runtime {

/// One constant weight in the layouts required by primitives; input shapes may share a layout.
class WeightCache {
 public:
  /// The weight in layout `wanted`; converted from `plain` if it is not cached.
  [[nodiscard]] const dnnl::memory& get(const dnnl::memory& plain,
                                        const dnnl::memory::desc& wanted) {
    for (const auto& [desc, packed] : packed_) {
      if (desc == wanted) return packed;
    }
    dnnl::memory packed(wanted, dnnl_engine());
    dnnl::memory from = plain;
    dnnl_reorder(from, packed);
    return packed_.emplace_back(wanted, std::move(packed)).second;
  }
  void clear() { packed_.clear(); }

 private:
  std::vector<std::pair<dnnl::memory::desc, dnnl::memory>> packed_;
};

/// A cache of primitives for the last few input shapes. The batch size usually changes once, at the
/// end of a data set.
template <typename Entry>
class ShapeCache {
 public:
  Entry& get(at::IntArrayRef key, const std::function<Entry()>& make) {
    for (auto& [known, entry] : entries_) {
      if (known == key) return entry;
    }
    if (entries_.size() == kMost) entries_.erase(entries_.begin());
    return entries_.emplace_back(key.vec(), make()).second;
  }

 private:
  static constexpr std::size_t kMost = 8;
  std::vector<std::pair<std::vector<std::int64_t>, Entry>> entries_;
};

}  // namespace ompq::runtime

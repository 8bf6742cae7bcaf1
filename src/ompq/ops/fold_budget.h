#pragma once

#include <cstdint>
#include <span>

#include "ompq/graph/graph.h"
#include "ompq/ops/operator.h"

namespace ompq::ops {

/// Bytes of the results that folding keeps at a time, and the number of nodes that it runs in the
/// sub-networks of loops. What a file may ask for follows from its size (core/memory_limit.h).
class FoldBudget {
 public:
  /// @param kept  bytes of the constants that were folded before and are still in the graph.
  explicit FoldBudget(const graph::Graph& graph, std::int64_t kept = 0);

  /// Called before a node runs. Counts its results, whose types and shapes are those in the graph
  /// or follow from the operands.
  /// @return the results' bytes, for release().
  /// @throws ShapeError naming the node, what it needs, the limit and the way out.
  std::int64_t require(const graph::Graph& graph,
                       const graph::Node& node,
                       std::span<const at::Tensor> operands);
  /// The same for bytes that are known.
  void require(const graph::Node& node, std::int64_t bytes);
  void release(std::int64_t bytes) { held_ -= bytes; }
  [[nodiscard]] bool fits(std::int64_t bytes) const;
  [[nodiscard]] std::int64_t held() const { return held_; }

  /// Counts a node of a sub-network. @throws ShapeError if there are too many.
  void count_inner_node(const OpContext& context);

  /// The budget of the folding that runs on this thread; null at run time.
  [[nodiscard]] static FoldBudget* current();

  /// Makes a budget the current one during its lifetime.
  class Scope {
   public:
    explicit Scope(FoldBudget& budget);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    FoldBudget* before_;
  };

 private:
  std::int64_t source_bytes_;
  std::int64_t allowed_;
  std::int64_t held_;
  std::int64_t inner_nodes_ = 0;
};

/// A copy if the tensor is a part of a much larger one, which it would keep in memory.
[[nodiscard]] at::Tensor without_spare_storage(const at::Tensor& tensor);

/// Bytes of a value; INT64_MAX if its shape is not known or depends on the batch.
[[nodiscard]] std::int64_t bytes_of(DataType type, const graph::Shape& shape);

}  // namespace ompq::ops

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/buffer_pool.h"
#include "ompq/runtime/executor.h"
#include "ompq/runtime/kernel.h"
#include "ompq/runtime/passes.h"
#include "ompq/runtime/plan.h"

/// The data of an Executor and how it runs one pass; executor_interface.cpp has its interface.
namespace ompq::runtime {

[[nodiscard]] inline std::size_t index_of(graph::ValueId value) {
  return static_cast<std::size_t>(value);
}

/// A dense matrix with its memory layout.
[[nodiscard]] inline MatrixView view_of(const at::Tensor& rows) {
  return {.data = rows.data_ptr(),
          .type = ops::data_type_of(rows.scalar_type()),
          .rows = rows.size(0),
          .cols = rows.size(1),
          .row_stride = rows.size(1)};
}

/// Row-major, bfloat16 as float32.
[[nodiscard]] inline Tensor host_copy(const at::Tensor& tensor) {
  const bool narrow = tensor.scalar_type() == at::kBFloat16;
  return ops::from_aten(narrow ? tensor.to(at::kFloat) : tensor);
}

struct Executor::State::Data {
  std::size_t next_step = 0;
  Passes passes;
  /// By pass and ValueId; undefined if freed or not computed yet.
  std::vector<std::vector<at::Tensor>> values;
  /// The values returned by rows(), until the passes advance.
  std::unordered_map<graph::ValueId, at::Tensor> shown;
};

struct Executor::Impl {
  graph::Graph graph;
  ExecutorOptions options;
  Precision precision;
  int threads;
  ExecutionPlan plan;
  BufferPool pool;
  std::vector<std::unique_ptr<Kernel>> kernels;  ///< by step
  std::vector<at::Tensor> constants;             ///< by ValueId
  std::vector<bool> is_captured;                 ///< by ValueId
  std::vector<bool> is_fresh;                    ///< by ValueId: no other value shares its memory
  std::vector<NodeTime> times;                   ///< by step, with options.profile

  Impl(const graph::Graph& original, ExecutorOptions given);

  [[nodiscard]] at::ScalarType activation_type() const;
  void load_constants();
  void check_captured() const;
  void mark_captured();
  void make_kernels();

  // --- one pass ----------------------------------------------------------------------------------

  State start(std::span<const Tensor> inputs);
  [[nodiscard]] State blank(const Passes& passes) const;
  at::Tensor as_activation(const at::Tensor& tensor, graph::ValueId input);
  State start_rows(std::int64_t rows, const RowFiller& fill);
  /// Input `i` of a pass over `count` rows starting at row `first`; an input that does not depend
  /// on the samples is filled from row 0.
  at::Tensor filled_input(std::size_t i,
                          std::int64_t first,
                          std::int64_t count,
                          const RowFiller& fill);
  /// bfloat16 for an image that is read only by convolutions; other operators (such as a
  /// normalization) get the exact pixels.
  [[nodiscard]] at::ScalarType input_type(graph::ValueId id) const;
  /// Passes a value of all passes to the capture.
  void capture_value(graph::ValueId id,
                     std::span<const at::Tensor> parts,
                     const Passes& passes,
                     const CaptureHandler& capture) const;
  [[nodiscard]] bool is_wanted(graph::ValueId id, const CaptureHandler& capture) const;
  /// The node's inputs; those for which it is the last reader are removed from the pass.
  std::vector<at::Tensor> take_inputs(std::vector<at::Tensor>& values, const Step& step);
  /// Memory that a kernel may overwrite: no other value, state or view uses it.
  std::unique_ptr<bool[]> overwritable(const Step& step, const std::vector<at::Tensor>& inputs);
  /// Runs one node in every pass, so that its constants are read once and a layer's output for all
  /// samples is available at once.
  void run_step(State::Data& state, const CaptureHandler& capture);
  /// @return the outputs of step number `index` in one pass.
  std::vector<at::Tensor> run_pass(std::size_t index, std::vector<at::Tensor>& values);
  std::vector<at::Tensor> run_kernel(Kernel& kernel,
                                     const graph::Node& node,
                                     const std::vector<at::Tensor>& inputs,
                                     const KernelContext& context) const;
  void note_time(std::size_t step, std::chrono::steady_clock::time_point begin);
  void run_until(State& state, std::size_t end, const CaptureHandler& capture);
  void require_started(const State& state) const;
  /// The value in each pass, including constants.
  [[nodiscard]] std::vector<at::Tensor> parts_of(const State::Data& state, graph::ValueId id) const;
  std::vector<Tensor> collect(const State::Data& state) const;
  std::string name(graph::ValueId id) const;
  /// @throws ConfigError if the value is not alive.
  void require_live(const State& state, graph::ValueId id) const;
  /// Number of steps after which `value` exists.
  std::size_t steps_until(graph::ValueId id) const;
  std::size_t reader_of(graph::ValueId weight) const;
};

}  // namespace ompq::runtime

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/matrix_view.h"
#include "ompq/graph/graph.h"
#include "ompq/quant/quant_params.h"
#include "ompq/runtime/precision.h"

namespace ompq::runtime {

struct ExecutorOptions {
  Precision precision = Precision::Float32;
  int threads = 0;             ///< 0: all cores
  std::string device = "cpu";  ///< "cpu" or "cuda"
  bool fuse = true;            ///< false: run each node separately, without fusion
  /// Compute operators between quantizers as integer kernels of runtimes do
  /// (graph/fuse_integers.h); only in float32. Weights then cannot be replaced.
  bool integer_kernels = false;
  bool profile = false;  ///< record the time of every node, see Executor::profile
  /// Values for captures; they are not fused away.
  std::vector<graph::ValueId> captured;
};

/// True if bfloat16 products are native (AVX512-BF16, AMX).
[[nodiscard]] bool has_native_bfloat16();

/// Called once for each captured value when it is computed, with one row per sample. A row has all
/// elements of its sample, including windows, tokens or frames, independent of the batch axis. A
/// value that does not depend on the samples has one row. Rows of a [N, C, H, W] value have the
/// element order H, W, C.
using CaptureHandler = std::function<void(graph::ValueId, const MatrixView&)>;

/// The time of one node in an Executor's passes.
struct NodeTime {
  std::string name;
  std::string op_type;  ///< after fusion, e.g. FusedConv
  std::string kernel;   ///< implementation, e.g. "brgconv:avx512_core", or "LibTorch"
  std::int64_t calls = 0;
  double seconds = 0.0;          ///< sum over `calls`
  double fastest_seconds = 0.0;  ///< of one call: least affected by other load
};

/// Runs a graph with inferred shapes. Activations are channels_last; Conv + bias + activation (+
/// Add) is one oneDNN primitive, cached by shape with its reordered weights; a value is freed after
/// its last reader and its memory reused. An Executor may be used by one thread at a time; several
/// may run in parallel.
///
/// Any number of samples may be given. A network with a fixed batch runs in several passes, node by
/// node through all passes; the last pass is padded and the padding is dropped (runtime/passes.h).
/// Captures and results are those of all samples, as of a single pass.
class Executor {
 public:
  /// The live values between two nodes: the state of a partial forward pass. Copies share tensors.
  class State;

  /// @throws ConfigError for an unknown device or a captured value that no node produces;
  /// UnsupportedOp for an unsupported node.
  explicit Executor(const graph::Graph& graph, ExecutorOptions options = {});
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  /// A forward pass; inputs and outputs in the graph's order, outputs as float32 (or their integer
  /// type).
  /// @throws ShapeError naming the input that does not fit, with the shapes.
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs,
                                        const CaptureHandler& capture = {});

  /// Starts a pass over `rows` rows: `fill` writes row `row` of the graph's input number `input`,
  /// in the element order of captures (H, W, C). A row is a sample, or, if no input has an open
  /// extent, the input of one pass. An input that does not depend on the samples is filled from row
  /// 0; integer inputs get rounded floats. `fill` is called from several threads.
  using RowFiller = std::function<void(std::size_t input, std::int64_t row, std::span<float> out)>;
  [[nodiscard]] State start_rows(std::int64_t rows, const RowFiller& fill);

  // --- partial passes: the prefix before a changed layer is computed once ---
  [[nodiscard]] State start(std::span<const Tensor> inputs);
  /// Runs up to, and not including, the node that reads constant `weight` (a node of the original
  /// graph, fused or not). @throws ConfigError if no node reads it, or if the state is past that
  /// node.
  void advance_to_reader_of(State& state, graph::ValueId weight);
  /// Runs the node that reads `weight`, including fused nodes, from a state of
  /// advance_to_reader_of. @return the node's output. @throws ConfigError if the state is
  /// elsewhere.
  graph::ValueId run_reader_of(State& state, graph::ValueId weight);
  /// Runs up to, and including, the node that produces `value`; does nothing for a network input.
  /// @throws ConfigError if no node of the fused graph produces it (ExecutorOptions::captured keeps
  /// it), or if the state is past that node.
  void advance_past(State& state, graph::ValueId value);
  /// The position of `value` in execution order, for visiting values in that order; 0 for a network
  /// input. @throws ConfigError as advance_past.
  [[nodiscard]] std::size_t position(graph::ValueId value) const;
  /// The position of the first node that reads constant `weight`, for visiting layers in that
  /// order. @throws ConfigError if no node reads it.
  [[nodiscard]] std::size_t reader_position(graph::ValueId weight) const;
  /// A live value, one row per sample as in a capture; valid until `state` advances or changes.
  /// @throws ConfigError if the value is not alive.
  [[nodiscard]] MatrixView rows(State& state, graph::ValueId value) const;
  /// A live value in ONNX's layout, floats as float32. @throws ConfigError if it is not alive.
  [[nodiscard]] Tensor value(const State& state, graph::ValueId value) const;
  /// Replaces a live value by `tensor` for all later readers (same shape; float32 for floats,
  /// converted to the pass's type). Copies of the state are not changed. @throws ConfigError if it
  /// is not alive; ShapeError.
  void set_value(State& state, graph::ValueId value, const Tensor& tensor);
  /// Fake-quantizes a live float value for all later readers.
  /// @throws ConfigError if it is not alive, or for a quantizer of more than one scale.
  void fake_quantize(State& state, graph::ValueId value, const quant::QuantParams& params);
  /// Runs to the end and returns the outputs; `state` cannot be used again.
  [[nodiscard]] std::vector<Tensor> finish(State&& state);
  /// Replaces constant `weight` by `tensor` (same shape).
  /// @throws ShapeError if the shape differs; ConfigError if no node reads it.
  void set_constant(graph::ValueId weight, const Tensor& tensor);

  /// The precision in use, never Auto.
  [[nodiscard]] Precision precision() const;
  /// Number of threads.
  [[nodiscard]] int threads() const;
  /// One row per node in execution order, summed over all passes; empty without
  /// ExecutorOptions::profile.
  [[nodiscard]] std::vector<NodeTime> profile() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Executor::State {
 public:
  State();
  ~State();
  State(const State&);
  State& operator=(const State&);
  State(State&&) noexcept;
  State& operator=(State&&) noexcept;

  /// Activations with remaining readers (including the caller, for outputs).
  [[nodiscard]] std::size_t live_values() const;

 private:
  friend class Executor;
  friend struct Executor::Impl;
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace ompq::runtime

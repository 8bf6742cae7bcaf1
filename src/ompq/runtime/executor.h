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
  bool fuse = true;            ///< false runs node by node, as the file says
  bool profile = false;        ///< true keeps the time of every node, see Executor::profile
  /// Values that a capture wants to see; fusion keeps them.
  std::vector<graph::ValueId> captured;
};

/// True where bfloat16 products are native (AVX512-BF16, AMX).
[[nodiscard]] bool has_native_bfloat16();

/// Called once for each captured value as soon as it exists, one row a sample, before it is freed.
/// A row holds all that the value has of its sample: windows, tokens or frames too, on whichever
/// axis samples lie. A value that does not depend on the samples has one row. The elements of a row
/// of a [N, C, H, W] value stand in the order H, W, C.
using CaptureHandler = std::function<void(graph::ValueId, const MatrixView&)>;

/// Where the time of an Executor's passes went.
struct NodeTime {
  std::string name;
  std::string op_type;  ///< after fusion, e.g. FusedConv
  std::string kernel;   ///< what ran it, e.g. "brgconv:avx512_core", or "LibTorch"
  std::int64_t calls = 0;
  double seconds = 0.0;          ///< sum over `calls`
  double fastest_seconds = 0.0;  ///< of one call: what a busy machine blurs least
};

/// Runs a graph whose shapes are inferred. Activations are channels_last; Conv + bias + activation
/// (+ Add) is one oneDNN primitive, cached by shape with its reordered weights; a value is freed
/// after its last reader and its memory used again. One Executor serves one thread at a time;
/// several may run side by side.
///
/// Any number of samples may be given to any network. One that takes a fixed number of them runs in
/// as many passes as there are, node by node through all passes; the last one is filled up and the
/// filling is dropped (runtime/passes.h). What is captured, shown or returned is that of the
/// samples, as if they had gone through at once.
class Executor {
 public:
  /// Values that are alive between two nodes: the state of an interrupted forward pass. Copies
  /// share tensors.
  class State;

  /// @throws ConfigError for an unknown device or a captured value that the graph does not make;
  /// UnsupportedOp for a node that cannot be run.
  explicit Executor(const graph::Graph& graph, ExecutorOptions options = {});
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  /// One forward pass; inputs and outputs in the graph's order, outputs as float32 (or their
  /// integer type).
  /// @throws ShapeError naming the input that does not fit, with the shapes.
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs,
                                        const CaptureHandler& capture = {});

  /// Begins a pass over `rows` rows: `fill` writes row `row` of the graph's input number `input`,
  /// in the order in which a capture shows it (H, W, C). A row is a sample, or, where no input has
  /// an open extent, all that the network reads in one pass. An input that does not depend on the
  /// samples is filled from the first row; one of integers gets what the floats round to. `fill` is
  /// called from several threads at once.
  using RowFiller = std::function<void(std::size_t input, std::int64_t row, std::span<float> out)>;
  [[nodiscard]] State start_rows(std::int64_t rows, const RowFiller& fill);

  // --- partial passes: the prefix of the network that a changed layer does not touch is computed
  // once ---
  [[nodiscard]] State start(std::span<const Tensor> inputs);
  /// Runs up to, and not including, the node that reads constant `weight` (a node of the original
  /// graph, fused or not). @throws ConfigError if no node reads it, or if the state is past that
  /// node.
  void advance_to_reader_of(State& state, graph::ValueId weight);
  /// Runs the node that reads `weight`, with what is fused after it, from a state that
  /// advance_to_reader_of left in front of it.
  /// @return the value that the node makes. @throws ConfigError if the state stands elsewhere.
  graph::ValueId run_reader_of(State& state, graph::ValueId weight);
  /// Runs up to, and including, the node that makes `value`; nothing for a network input.
  /// @throws ConfigError if no node of the fused graph makes it (ExecutorOptions::captured keeps
  /// it), or if the state is past that node.
  void advance_past(State& state, graph::ValueId value);
  /// Where in the order of execution `value` is made, so that values can be visited in that order:
  /// 0 for a network input. @throws ConfigError as advance_past.
  [[nodiscard]] std::size_t position(graph::ValueId value) const;
  /// Where the first node that reads constant `weight` runs: layers are visited in this order.
  /// @throws ConfigError if no node reads it.
  [[nodiscard]] std::size_t reader_position(graph::ValueId weight) const;
  /// A live value, one row a sample as a capture shows it; valid until `state` goes on or changes.
  /// @throws ConfigError if the value is not alive.
  [[nodiscard]] MatrixView rows(State& state, graph::ValueId value) const;
  /// A live value as ONNX lays it out, floats as float32. @throws ConfigError if it is not alive.
  [[nodiscard]] Tensor value(const State& state, graph::ValueId value) const;
  /// Every later reader reads `tensor` (same shape; float32 for floats, narrowed to what the pass
  /// holds) in place of a live value.
  /// Copies of the state keep theirs. @throws ConfigError if it is not alive; ShapeError.
  void set_value(State& state, graph::ValueId value, const Tensor& tensor);
  /// Every later reader reads the live float value fake-quantized.
  /// @throws ConfigError if it is not alive, or for a quantizer of more than one scale.
  void fake_quantize(State& state, graph::ValueId value, const quant::QuantParams& params);
  /// Runs to the end and returns the outputs; `state` cannot be used again.
  [[nodiscard]] std::vector<Tensor> finish(State&& state);
  /// Uses `tensor` (same shape) in place of constant `weight` from now on.
  /// @throws ShapeError for another shape; ConfigError if no node reads it.
  void set_constant(graph::ValueId weight, const Tensor& tensor);

  /// The precision that runs: never Auto.
  [[nodiscard]] Precision precision() const;
  /// Threads that passes run on.
  [[nodiscard]] int threads() const;
  /// One row a node in the order of execution, summed over all passes; empty without
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

  /// Activations that some node (or the caller, as an output) has still to read.
  [[nodiscard]] std::size_t live_values() const;

 private:
  friend class Executor;
  friend struct Executor::Impl;
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace ompq::runtime

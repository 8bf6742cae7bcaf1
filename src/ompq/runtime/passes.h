#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// How samples are processed: in one pass, or, if the network has a fixed batch, in several. The
/// last pass is padded with copies of its last sample, and results of the padding are dropped.
struct Passes {
  std::int64_t samples = 1;
  std::int64_t at_once = 1;  ///< samples per pass
  bool fixed = false;        ///< the network has a fixed batch; false: one pass takes all

  [[nodiscard]] std::int64_t count() const { return (samples + at_once - 1) / at_once; }
  /// Samples of a pass without padding.
  [[nodiscard]] std::int64_t real(std::int64_t pass) const {
    return std::min(at_once, samples - pass * at_once);
  }
  bool operator==(const Passes&) const = default;
};

/// The fixed batch of the network: the first extent of its inputs, or 1 if an input has no batch
/// axis, or if the file has one sample of an input next to an open first extent that was given (a
/// sequence length); nullopt if any number is possible.
[[nodiscard]] std::optional<std::int64_t> fixed_batch(const graph::Graph& graph);

/// `wanted` samples rounded to whole passes, at least one.
[[nodiscard]] std::int64_t whole_passes(const graph::Graph& graph, std::int64_t wanted);

/// Number of samples to load and run at once: whole passes, and no more than --memory allows
/// (runtime/pass_memory.h).
[[nodiscard]] std::int64_t samples_in_memory(const graph::Graph& graph, std::int64_t wanted);

/// The passes for `inputs`: any number of samples along dimension 0 of each. An input whose fixed
/// first extent is not the batch (a recurrent state, a scalar) may be one tensor for all passes,
/// with the network's shape, or have an additional first axis, one value per sample.
/// @throws ShapeError naming the input that does not fit, with the shapes.
[[nodiscard]] Passes passes_for(const graph::Graph& graph, std::span<const Tensor> inputs);

/// The part of `given` that pass `pass` reads as `input`.
[[nodiscard]] at::Tensor part_of(const at::Tensor& given,
                                 const graph::Value& input,
                                 const Passes& passes,
                                 std::int64_t pass);

/// Concatenates a value of all passes along the batch axis in ONNX's layout, without padding. A
/// scalar becomes one element per pass.
/// @param parts  one per pass, all with the same shape.
[[nodiscard]] at::Tensor joined(std::span<const at::Tensor> parts, const Passes& passes);

/// The inverse: splits a value into the passes.
/// @param part  the current value of a pass, for its shape.
[[nodiscard]] std::vector<at::Tensor> divided(const at::Tensor& whole,
                                              const at::Tensor& part,
                                              const Passes& passes);

/// A value with one row per sample, [samples, elements of one], also if a sample has several rows
/// (windows, tokens, frames), for any batch axis. A value that does not depend on the samples has
/// one row. Dense in memory; rows of [N, C, H, W] have the element order H, W, C. Floats keep their
/// type, integers become float32.
[[nodiscard]] at::Tensor rows_by_sample(std::span<const at::Tensor> parts,
                                        const graph::Value& value,
                                        const Passes& passes);

}  // namespace ompq::runtime

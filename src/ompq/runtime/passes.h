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

/// How samples go through a network: all at once, or, where the network takes a fixed number, in
/// several passes. The last pass is filled up with its last sample again, and what that makes is
/// dropped: every result is that of the samples alone.
struct Passes {
  std::int64_t samples = 1;
  std::int64_t at_once = 1;  ///< samples of one pass
  bool fixed = false;        ///< the network says how many; false: one pass takes all

  [[nodiscard]] std::int64_t count() const { return (samples + at_once - 1) / at_once; }
  /// Samples of a pass that are no filling.
  [[nodiscard]] std::int64_t real(std::int64_t pass) const {
    return std::min(at_once, samples - pass * at_once);
  }
  bool operator==(const Passes&) const = default;
};

/// How many samples the network takes at once where its file fixes that: the first extent of its
/// inputs, or 1 where an input has no axis for samples, or where the file has one sample of an
/// input next to an open first extent that was given (the length of a sequence); nothing where any
/// number goes.
[[nodiscard]] std::optional<std::int64_t> fixed_batch(const graph::Graph& graph);

/// `wanted`, or the nearest whole number of passes: what to load at once. At least one pass.
[[nodiscard]] std::int64_t whole_passes(const graph::Graph& graph, std::int64_t wanted);

/// How `inputs` go through the network: samples along dimension 0 of each, any number of them.
/// An input whose first extent is fixed and is not the number of samples of a pass (a recurrent
/// state, a scalar) may come as one tensor for all passes, in the network's own shape, or with an
/// axis more in front, one a sample.
/// @throws ShapeError naming the input that does not fit, with the shapes.
[[nodiscard]] Passes passes_for(const graph::Graph& graph, std::span<const Tensor> inputs);

/// What pass number `pass` reads of `given`, which stands for `input`.
[[nodiscard]] at::Tensor part_of(const at::Tensor& given,
                                 const graph::Value& input,
                                 const Passes& passes,
                                 std::int64_t pass);

/// A value of all passes as one, laid out as ONNX has it: along the axis of the samples, filling
/// dropped. A value without axes becomes one element a pass.
/// @param parts  one a pass, all of one shape.
[[nodiscard]] at::Tensor joined(std::span<const at::Tensor> parts, const Passes& passes);

/// The inverse: what each pass has of a value of all.
/// @param part  what a pass has now, for its shape.
[[nodiscard]] std::vector<at::Tensor> divided(const at::Tensor& whole,
                                              const at::Tensor& part,
                                              const Passes& passes);

/// A value with one row a sample, [samples, elements of one], however many of its own rows a sample
/// has (windows, tokens, frames) and on whichever axis samples lie. A value that does not depend on
/// the samples has one row. Dense in memory; the elements of a row of [N, C, H, W] stand in the
/// order H, W, C. Floats keep their type, integers become float32.
[[nodiscard]] at::Tensor rows_by_sample(std::span<const at::Tensor> parts,
                                        const graph::Value& value,
                                        const Passes& passes);

}  // namespace ompq::runtime

#include "ompq/runtime/passes.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/runtime/pass_memory.h"

namespace ompq::runtime {
namespace {

[[noreturn]] void fail(const graph::Value& input, const Tensor& tensor, std::string_view remedy) {
  throw ShapeError("runtime",
                   fmt::format("input '{}' takes {} but got {}; {}",
                               input.name,
                               graph::to_string(input.shape.value_or(graph::Shape{})),
                               shape_text(tensor.shape()),
                               remedy));
}

/// True if a pass reads only a part of the input's samples.
bool holds_samples(const graph::Value& input, std::int64_t at_once) {
  const graph::Shape& shape = *input.shape;
  return !shape.empty() && (shape.front().times_batch || shape.front().size == at_once);
}

/// True if the tensor has an additional axis: one value per sample.
bool has_own_sample_axis(std::size_t rank, const graph::Value& input) {
  return rank == input.shape->size() + 1;
}

/// The N with which `dim` equals `extent`; nullopt if there is none.
std::optional<std::int64_t> batch_of(const graph::Dim& dim, std::int64_t extent) {
  if (dim.size <= 0 || extent <= 0 || extent % dim.size != 0) return std::nullopt;
  return extent / dim.size;
}

/// Checks all axes except the batch axis. @return the number of samples according to open extents.
std::optional<std::int64_t> check_axes(const graph::Value& input,
                                       const Tensor& tensor,
                                       std::size_t first,
                                       std::optional<std::int64_t> batch) {
  const auto& extents = tensor.shape();
  const std::size_t more = extents.size() - input.shape->size();
  for (std::size_t axis = first; axis < input.shape->size(); ++axis) {
    const graph::Dim& dim = (*input.shape)[axis];
    const std::int64_t extent = extents[axis + more];
    if (dim.is_fixed()) {
      if (extent != dim.size) fail(input, tensor, "resize or crop the samples to it");
      continue;
    }
    const auto found = batch_of(dim, extent);
    if (!found) fail(input, tensor, "N is the number of samples, 1 or more");
    if (batch && *batch != *found) {
      fail(input, tensor, fmt::format("other inputs have {} samples", *batch));
    }
    batch = found;
  }
  return batch;
}

class InputCheck {
 public:
  InputCheck(const graph::Graph& graph, std::span<const Tensor> inputs)
      : graph_(graph), inputs_(inputs), fixed_(fixed_batch(graph)) {}

  Passes run() {
    if (inputs_.size() != graph_.inputs().size()) {
      throw ShapeError(
          "runtime",
          fmt::format("the network takes {} inputs but got {}; give one tensor for each",
                      graph_.inputs().size(),
                      inputs_.size()));
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const graph::Value& input = graph_.value(graph_.inputs()[i]);
      if (input.shape) check(input, inputs_[i]);
    }
    const std::int64_t samples = samples_.value_or(1);
    return {samples, fixed_.value_or(samples), fixed_.has_value()};
  }

 private:
  void check(const graph::Value& input, const Tensor& tensor) {
    if (has_own_sample_axis(tensor.shape().size(), input) && fixed_) {
      take_samples(input, tensor, tensor.shape().front());
      (void)check_axes(input, tensor, 0, std::nullopt);
      return;
    }
    if (tensor.shape().size() != input.shape->size()) {
      fail(input, tensor, "give a tensor of that many axes");
    }
    if (!fixed_) {
      samples_ = check_axes(input, tensor, 0, samples_);
      return;
    }
    const bool samples = holds_samples(input, *fixed_);
    if (samples) take_samples(input, tensor, rows_of(input, tensor));
    (void)check_axes(input, tensor, samples ? 1 : 0, std::nullopt);
  }

  /// Number of samples in a tensor with the input's rank.
  std::int64_t rows_of(const graph::Value& input, const Tensor& tensor) const {
    const graph::Dim& dim = input.shape->front();
    const std::int64_t extent = tensor.shape().front();
    const auto rows = dim.times_batch ? batch_of(dim, extent) : std::optional<std::int64_t>(extent);
    if (!rows || *rows < 1) fail(input, tensor, "give 1 sample or more");
    return *rows;
  }

  void take_samples(const graph::Value& input, const Tensor& tensor, std::int64_t found) {
    if (samples_ && *samples_ != found) {
      fail(input, tensor, fmt::format("other inputs have {} samples", *samples_));
    }
    samples_ = found;
  }

  const graph::Graph& graph_;
  std::span<const Tensor> inputs_;
  std::optional<std::int64_t> fixed_;
  std::optional<std::int64_t> samples_;
};

/// Rows `begin`, ... of dimension 0, padded with the last one.
at::Tensor filled_rows(const at::Tensor& all, std::int64_t begin, std::int64_t count) {
  const std::int64_t there = std::min(count, all.size(0) - begin);
  at::Tensor rows = all.narrow(0, begin, there);
  if (there == count) return rows;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(all.dim()), -1);
  sizes.front() = count - there;
  return at::cat({rows, rows.narrow(0, there - 1, 1).expand(sizes)});
}

/// The batch axis of a value in a pass with a fixed batch; nullopt if it cannot be determined.
/// Usually the first axis that is a multiple of the batch.
std::optional<std::int64_t> sample_axis(const at::Tensor& part, std::int64_t at_once) {
  if (part.dim() == 0) return std::nullopt;
  if (part.size(0) % at_once == 0) return 0;
  for (std::int64_t axis = 1; axis < part.dim(); ++axis) {
    if (part.size(axis) == at_once) return axis;
  }
  return std::nullopt;
}

/// The batch axis according to the shape, if the batch is open.
std::optional<std::int64_t> open_axis(const at::Tensor& tensor,
                                      const graph::Value& value,
                                      std::int64_t samples) {
  if (tensor.dim() == 0) return std::nullopt;
  if (!value.shape || value.shape->size() != static_cast<std::size_t>(tensor.dim())) {
    return tensor.size(0) % samples == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  for (std::size_t axis = 0; axis < value.shape->size(); ++axis) {
    if ((*value.shape)[axis].times_batch) return static_cast<std::int64_t>(axis);
  }
  return std::nullopt;
}

at::Tensor dense_copy(const at::Tensor& tensor) {
  const bool keep = tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16 ||
                    tensor.scalar_type() == at::kDouble;
  const auto format =
      tensor.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return (keep ? tensor : tensor.to(at::kFloat)).contiguous(format);
}

/// A tensor with batch axis `axis` as [samples, elements of one]; without a copy if it is the first
/// axis.
at::Tensor as_rows(const at::Tensor& tensor, std::optional<std::int64_t> axis, std::int64_t rows) {
  const at::Tensor lying = dense_copy(axis.value_or(0) == 0 ? tensor : tensor.movedim(*axis, 0));
  const std::int64_t count = axis ? rows : 1;
  const std::int64_t elements = lying.numel() / count;
  return at::as_strided(lying, {count, elements}, {elements, 1});
}

}  // namespace

namespace {

/// True if the first extent of `input` is open in the file but fixed here.
bool was_open(const graph::Graph& graph, const graph::Value& input) {
  const auto* declared = graph::find_declaration(graph.interface.inputs, input.name);
  return declared != nullptr && declared->shape && !declared->shape->empty() &&
         declared->shape->front().is_open();
}

}  // namespace

std::optional<std::int64_t> fixed_batch(const graph::Graph& graph) {
  std::optional<std::int64_t> fixed;
  bool scalar = false;
  bool one = false;       // an input that has one sample in the file
  bool sequence = false;  // an open extent of the file is more than one here
  for (const graph::ValueId id : graph.inputs()) {
    const auto& shape = graph.value(id).shape;
    if (!shape) continue;
    // If the batch is open, fixed inputs are shared by all samples.
    if (std::any_of(
            shape->begin(), shape->end(), [](const graph::Dim& dim) { return !dim.is_fixed(); })) {
      return std::nullopt;
    }
    scalar = scalar || shape->empty();
    if (shape->empty()) continue;
    const std::int64_t first = shape->front().size;
    if (!fixed) fixed = first;
    const bool open = was_open(graph, graph.value(id));
    one = one || (first == 1 && !open);
    sequence = sequence || (first != 1 && open);
  }
  if (one && sequence) return 1;
  return fixed || !scalar ? fixed : std::optional<std::int64_t>(1);
}

std::int64_t whole_passes(const graph::Graph& graph, std::int64_t wanted) {
  const std::int64_t at_once = fixed_batch(graph).value_or(1);
  return std::max(wanted / at_once, std::int64_t{1}) * at_once;
}

std::int64_t samples_in_memory(const graph::Graph& graph, std::int64_t wanted) {
  const std::int64_t at_once = fixed_batch(graph).value_or(1);
  return passes_in_memory(graph, whole_passes(graph, wanted) / at_once) * at_once;
}

Passes passes_for(const graph::Graph& graph, std::span<const Tensor> inputs) {
  return InputCheck(graph, inputs).run();
}

at::Tensor part_of(const at::Tensor& given,
                   const graph::Value& input,
                   const Passes& passes,
                   std::int64_t pass) {
  if (!input.shape) return given;
  const std::int64_t first = pass * passes.at_once;
  if (has_own_sample_axis(static_cast<std::size_t>(given.dim()), input)) return given[first];
  if (!holds_samples(input, passes.at_once) || given.dim() == 0) return given;
  const graph::Dim& dim = input.shape->front();
  const std::int64_t rows = dim.times_batch ? dim.size : 1;  // per sample
  if (given.size(0) == passes.at_once * rows) return given;
  return filled_rows(given, first * rows, passes.at_once * rows);
}

at::Tensor joined(std::span<const at::Tensor> parts, const Passes& passes) {
  if (!passes.fixed) return parts.front();
  std::vector<at::Tensor> all(parts.begin(), parts.end());
  if (all.front().dim() == 0) return at::stack(all);
  const auto axis = sample_axis(all.front(), passes.at_once);
  if (axis) {
    const std::int64_t each = all.back().size(*axis) / passes.at_once;
    const std::int64_t real = passes.real(passes.count() - 1);
    all.back() = all.back().narrow(*axis, 0, real * each);
  }
  return at::cat(all, axis.value_or(0));
}

std::vector<at::Tensor> divided(const at::Tensor& whole,
                                const at::Tensor& part,
                                const Passes& passes) {
  if (!passes.fixed) return {whole};
  if (part.dim() == 0) return whole.unbind();
  const std::int64_t axis = sample_axis(part, passes.at_once).value_or(0);
  const std::int64_t each = part.size(axis);
  const at::Tensor lying = whole.movedim(axis, 0);
  std::vector<at::Tensor> result;
  for (std::int64_t p = 0; p < passes.count(); ++p) {
    result.push_back(filled_rows(lying, p * each, each).movedim(0, axis));
  }
  return result;
}

at::Tensor rows_by_sample(std::span<const at::Tensor> parts,
                          const graph::Value& value,
                          const Passes& passes) {
  if (!passes.fixed) {
    const at::Tensor& whole = parts.front();
    return as_rows(whole, open_axis(whole, value, passes.samples), passes.samples);
  }
  std::vector<at::Tensor> all;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    // With one sample per pass, the whole value is that sample's.
    const auto axis = passes.at_once == 1 ? std::optional<std::int64_t>(0)
                                          : sample_axis(parts[p], passes.at_once);
    const at::Tensor rows = as_rows(parts[p], axis, passes.at_once);
    const std::int64_t real = passes.real(static_cast<std::int64_t>(p));
    all.push_back(axis ? rows.narrow(0, 0, real) : rows);
  }
  return all.size() == 1 ? all.front() : at::cat(all);
}

}  // namespace ompq::runtime

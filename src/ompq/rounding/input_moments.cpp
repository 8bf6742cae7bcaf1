#include "ompq/rounding/input_moments.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/first_failure.h"
#include "ompq/core/random.h"
#include "ompq/ops/window.h"
#include "ompq/quant/fake_quantize.h"
#include "ompq/quant/simd.h"
#include "ompq/rounding/block_graph.h"

namespace ompq::rounding {
namespace {

/// Positions per block: their patches fit into a core's cache for common layers.
constexpr std::int64_t kRows = 2048;

/// The layout of one position's inputs in a cached row: offsets of the columns from the position,
/// -1 for padding.
struct Patches {
  std::int64_t positions = 0;  ///< per row
  std::int64_t images = 1;     ///< per row: windows of a sample, or samples of a pass
  std::int64_t columns = 0;    ///< of all groups
  std::int64_t groups = 1;
  // Images: position p = (row, column) of the output.
  std::optional<ops::Window> window;
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t pixel_stride = 0;    ///< between neighbours of a row
  std::int64_t channel_stride = 1;  ///< between channels of a pixel
  // Products: elements of a position are `stride` apart.
  std::int64_t stride = 1;
};

/// The window on a sequence as a window on an image of height 1.
ops::Window over_one_row(ops::Window window) {
  for (auto* extents : {&window.kernel, &window.stride, &window.dilation, &window.output}) {
    extents->insert(extents->begin(), 1);
  }
  window.pad_head.insert(window.pad_head.begin(), 0);
  window.pad_tail.insert(window.pad_tail.begin(), 0);
  return window;
}

Patches convolution_patches(const graph::Graph& graph, const graph::Layer& layer) {
  const graph::Node& node = graph.node(layer.node);
  const auto x = graph::extents_at(*graph.value(layer.input).shape, 1);
  const auto w = graph.value(layer.weight).constant->shape();
  const bool sequence = x.size() == 3;
  Patches patches{.images = x[0], .groups = layer.groups, .channels = x[1]};
  patches.height = sequence ? 1 : x[2];
  patches.width = x.back();
  // Images are cached as H, W, C, sequences as C, W.
  patches.pixel_stride = sequence ? 1 : patches.channels;
  patches.channel_stride = sequence ? patches.width : 1;
  ops::Window window =
      ops::sliding_window({node, graph.opset}, std::span(x).subspan(2), std::span(w).subspan(2));
  patches.window = sequence ? over_one_row(std::move(window)) : std::move(window);
  patches.positions = patches.images * patches.window->output[0] * patches.window->output[1];
  patches.columns = layer.groups * element_count(std::span(w).subspan(1));
  return patches;
}

Patches product_patches(const graph::Graph& graph, const graph::Layer& layer) {
  const auto x = graph::extents_at(*graph.value(layer.input).shape, 1);
  Patches patches{.columns = x.back()};
  patches.positions = std::accumulate(x.begin(), x.end() - 1, std::int64_t{1}, std::multiplies<>());
  // A 4-D value is cached as H, W, C: a product's columns are its W.
  if (x.size() == 4) {
    patches.images = x[0];
    patches.channels = x[1];
    patches.height = x[2];
    patches.width = x[3];
    patches.stride = x[1];
  }
  return patches;
}

Patches patches_of(const graph::Graph& graph, const graph::Layer& layer) {
  return layer.op_type == "Conv" ? convolution_patches(graph, layer)
                                 : product_patches(graph, layer);
}

/// Calls use(column, offset in the cached row) for every column of a position except padding.
template <typename Use>
void for_each_column(const Patches& p, std::int64_t position, Use use) {
  const std::int64_t each = p.positions / p.images;
  const std::int64_t image = position / each * p.channels * p.height * p.width;
  if (p.channels > 0) position %= each;
  if (!p.window) {
    std::int64_t base = position * p.columns;
    if (p.channels > 0) {
      base = image + position % p.height * p.width * p.channels + position / p.height;
    }
    for (std::int64_t c = 0; c < p.columns; ++c) use(c, base + c * p.stride);
    return;
  }
  const ops::Window& w = *p.window;
  const std::int64_t top = position / w.output[1] * w.stride[0] - w.pad_head[0];
  const std::int64_t left = position % w.output[1] * w.stride[1] - w.pad_head[1];
  const std::int64_t area = w.kernel[0] * w.kernel[1];
  for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
    const std::int64_t y = top + i * w.dilation[0];
    if (y < 0 || y >= p.height) continue;
    for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
      const std::int64_t x = left + j * w.dilation[1];
      if (x < 0 || x >= p.width) continue;
      const std::int64_t base = image + (y * p.width + x) * p.pixel_stride;
      const std::int64_t tap = i * w.kernel[1] + j;
      for (std::int64_t c = 0; c < p.channels; ++c)
        use(c * area + tap, base + c * p.channel_stride);
    }
  }
}

struct Position {
  std::int64_t sample = 0;
  std::int64_t place = 0;
};

/// Equally many positions of every sample, drawn without repetition, in ascending order; in the
/// last row without padding.
std::vector<Position> draw_positions(std::int64_t samples,
                                     double last_row_share,
                                     const Patches& patches,
                                     const MomentOptions& options) {
  const auto last = std::llround(last_row_share * static_cast<double>(patches.positions));
  const std::int64_t each =
      std::clamp<std::int64_t>((options.positions + samples - 1) / samples, 1, patches.positions);
  Random random(options.seed);
  std::vector<std::int64_t> places(static_cast<std::size_t>(patches.positions));
  std::vector<Position> drawn;
  for (std::int64_t s = 0; s < samples; ++s) {
    std::iota(places.begin(), places.end(), 0);
    for (std::int64_t i = 0; each < patches.positions && i < each; ++i) {
      const auto j = i + static_cast<std::int64_t>(
                             random.below(static_cast<std::uint64_t>(patches.positions - i)));
      std::swap(places[static_cast<std::size_t>(i)], places[static_cast<std::size_t>(j)]);
    }
    std::sort(places.begin(), places.begin() + each);
    const std::int64_t real = s + 1 == samples ? last : patches.positions;
    for (std::int64_t i = 0; i < each; ++i) {
      const std::int64_t place = places[static_cast<std::size_t>(i)];
      if (place < real) drawn.push_back({s, place});
    }
  }
  return drawn;
}

/// The inputs at `positions` in both networks, one row each.
void gather(const Patches& patches,
            const LayerInputs& inputs,
            std::span<const Position> positions,
            DenseMatrix& x,
            DenseMatrix& z) {
#pragma omp parallel for schedule(static)
  for (std::size_t r = 0; r < positions.size(); ++r) {
    const auto row = static_cast<std::int64_t>(r);
    const Position& at = positions[r];
    const std::int16_t* exact = inputs.exact->row(at.sample).data();
    const std::int16_t* quantized = inputs.quantized->row(at.sample).data();
    const float exact_scale = inputs.exact->row_scale(at.sample);
    const float scale = inputs.quantized->row_scale(at.sample);
    float* to_x = x.view().row(row);
    float* to_z = z.view().row(row);
    std::fill_n(to_x, patches.columns, 0.0F);
    std::fill_n(to_z, patches.columns, 0.0F);
    for_each_column(patches, at.place, [&](std::int64_t column, std::int64_t offset) {
      to_x[column] = static_cast<float>(exact[offset]) * exact_scale;
      to_z[column] = static_cast<float>(quantized[offset]) * scale;
    });
    if (!inputs.quantizer) continue;
    const std::span<float> patch(to_z, static_cast<std::size_t>(patches.columns));
    quant::fake_quantize(patch, patch, quant::grid_of(*inputs.quantizer));
  }
}

std::vector<InputMoments> blank_moments(const Patches& patches, std::int64_t max_columns) {
  const std::int64_t each = patches.columns / patches.groups;
  const std::int64_t parts = (each + max_columns - 1) / max_columns;
  std::vector<InputMoments> moments;
  for (std::int64_t g = 0; g < patches.groups; ++g) {
    for (std::int64_t p = 0; p < parts; ++p) {
      const std::int64_t begin = each * p / parts;
      const std::int64_t k = each * (p + 1) / parts - begin;
      InputMoments& part = moments.emplace_back();
      part.group = g;
      part.begin = begin;
      part.second = DenseMatrix(k, k);
      part.cross = DenseMatrix(k, k);
      part.mean.assign(static_cast<std::size_t>(k), 0.0);
      part.z_mean.assign(static_cast<std::size_t>(k), 0.0);
    }
  }
  return moments;
}

OMPQ_VECTOR_CLONES
void add_row(const float* row, float* sums, std::size_t count) {
  for (std::size_t c = 0; c < count; ++c) sums[c] += row[c];
}

void add_means(const DenseView& values, double factor, std::vector<double>& means) {
  std::vector<float> sums(means.size(), 0.0F);  // at most kRows terms: float suffices
  for (std::int64_t r = 0; r < values.rows; ++r) add_row(values.row(r), sums.data(), sums.size());
  for (std::size_t c = 0; c < sums.size(); ++c) means[c] += factor * sums[c];
}

void accumulate(const Patches& patches,
                DenseMatrix& x,
                DenseMatrix& z,
                std::int64_t rows,
                float factor,
                std::vector<InputMoments>& moments) {
  const std::int64_t each = patches.columns / patches.groups;
  const auto add = [&](InputMoments& part) {
    const std::int64_t k = part.second.rows;
    const std::int64_t first = part.group * each + part.begin;
    const DenseView xs = x.view().part(0, first, rows, k);
    const DenseView zs = z.view().part(0, first, rows, k);
    multiply(Turned::Yes, Turned::No, factor, zs, zs, 1.0F, part.second.view());
    multiply(Turned::Yes, Turned::No, factor, xs, zs, 1.0F, part.cross.view());
    add_means(xs, factor, part.mean);
    add_means(zs, factor, part.z_mean);
  };
  if (moments.size() == 1) return add(moments.front());
  // Many small parts: one thread each.
  FirstFailure failure;
#pragma omp parallel for schedule(static)
  for (std::size_t p = 0; p < moments.size(); ++p) failure.guard([&] { add(moments[p]); });
  failure.rethrow();
}

void check(const graph::Graph& graph, const graph::Layer& layer, const LayerInputs& inputs) {
  const auto extents = graph::extents_at(*graph.value(layer.input).shape, 1);
  const std::int64_t elements =
      std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
  for (const SampleCache* cache : {inputs.exact, inputs.quantized}) {
    if (cache->cols() == elements) continue;
    throw ShapeError("error compensation",
                     fmt::format("a sample of '{}' has {} elements, but the cache's {}",
                                 graph.value(layer.input).name,
                                 elements,
                                 cache->cols()));
  }
}

}  // namespace

bool has_input_moments(const graph::Graph& graph, const graph::Layer& layer) {
  const auto& shape = graph.value(layer.input).shape;
  if (!shape || graph.value(layer.input).type != DataType::Float32) return false;
  const bool convolution = layer.op_type == "Conv";
  if ((shape->size() == 4 || convolution) && !has_samples_first(graph, layer.input)) return false;
  if (convolution) return shape->size() == 3 || shape->size() == 4;
  const auto rank = graph.value(layer.weight).constant->rank();
  return (layer.op_type == "Gemm" || layer.op_type == "MatMul") && rank == 2 &&
         shape->size() >= 2 && shape->size() <= 4;
}

std::vector<InputMoments> input_moments(const graph::Graph& graph,
                                        const graph::Layer& layer,
                                        const LayerInputs& inputs,
                                        const MomentOptions& options) {
  check(graph, layer, inputs);
  const Patches patches = patches_of(graph, layer);
  const auto positions =
      draw_positions(inputs.quantized->rows(), inputs.last_row_share, patches, options);
  std::vector<InputMoments> moments = blank_moments(patches, options.max_columns);
  const std::int64_t rows = std::min(kRows, static_cast<std::int64_t>(positions.size()));
  for (InputMoments& part : moments) part.positions = static_cast<std::int64_t>(positions.size());
  DenseMatrix x(rows, patches.columns);
  DenseMatrix z(rows, patches.columns);
  const auto factor = static_cast<float>(1.0 / static_cast<double>(positions.size()));
  for (std::size_t at = 0; at < positions.size(); at += static_cast<std::size_t>(rows)) {
    const std::size_t count = std::min(static_cast<std::size_t>(rows), positions.size() - at);
    gather(patches, inputs, std::span(positions).subspan(at, count), x, z);
    accumulate(patches, x, z, static_cast<std::int64_t>(count), factor, moments);
  }
  return moments;
}

}  // namespace ompq::rounding

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/data/array_input.h"
#include "ompq/data/labels.h"
#include "ompq/data/npy.h"
#include "ompq/data/open_request.h"

namespace ompq::data {
namespace {

bool has_name(const ArraySource& arrays, std::string_view name) {
  return std::binary_search(arrays.names().begin(), arrays.names().end(), name);
}

constexpr std::array<std::string_view, 3> kLabelNames{"y", "labels", "label"};

bool is_label_name(std::string_view name) {
  return std::find(kLabelNames.begin(), kLabelNames.end(), name) != kLabelNames.end();
}

/// The array for `spec`: the one with its name; if the network has one input, also `x`, `arr_0`
/// (numpy.savez's name for an unnamed array), or the only array that is not named like labels.
std::string array_for(const OpenRequest& request,
                      const ArraySource& arrays,
                      const InputSpec& spec) {
  if (has_name(arrays, spec.name)) return spec.name;
  const bool single = request.inputs.size() == 1;
  for (const char* name : {"x", "arr_0"}) {
    if (single && has_name(arrays, name)) return name;
  }
  std::vector<std::string> samples;
  for (const std::string& name : arrays.names()) {
    if (!is_label_name(name)) samples.push_back(name);
  }
  if (single && samples.size() == 1) return samples.front();
  if (arrays.names().empty()) {
    request.fail("holds no arrays (.npy); if these are files of another kind, unpack them");
  }
  request.fail(fmt::format("holds the arrays {} but none named \"{}\"{}",
                           fmt::join(arrays.names(), ", "),
                           spec.name,
                           single && spec.name != "x" ? " or \"x\"" : ""));
}

std::string title_of(const OpenRequest& request, const std::string& array) {
  return fmt::format("{}, array {}", request.source.string(), array);
}

/// A uint8 array as pixels, if it holds images: for a floating-point input whose shape differs from
/// the rows; with explicit preprocessing, any array with the right number of elements.
std::optional<PixelLayout> layout_of_pixels(const OpenRequest& request,
                                            const Tensor& array,
                                            const InputSpec& spec) {
  if (array.type() != DataType::UInt8 || array.rank() < 1) return std::nullopt;
  const std::span<const std::int64_t> shape(array.shape());
  const auto row = shape.subspan(1);
  const bool fits = row_layout(row, spec.extents).has_value();
  if (request.options.preprocess_given) {
    if (auto layout = pixel_layout(shape, spec.extents)) return layout;
    if (fits) return PixelLayout{.height = 1, .width = element_count(row)};
    return std::nullopt;
  }
  const bool numbers = fits && (!is_floating(spec.type) || !takes_pictures(spec));
  return numbers ? std::nullopt : pixel_layout(shape, spec.extents);
}

/// A single sample, without a sample axis.
bool is_one_sample(const Tensor& array, const InputSpec& spec) {
  const std::span<const std::int64_t> shape(array.shape());
  return shape.size() == spec.extents.size() && !shape.empty() &&
         !row_layout(shape.subspan(1), spec.extents) && row_layout(shape, spec.extents);
}

Tensor as_one_row(const Tensor& array) {
  std::vector<std::int64_t> shape{1};
  shape.insert(shape.end(), array.shape().begin(), array.shape().end());
  return array.reshaped(std::move(shape));
}

/// True for a single sample if another input determines the number of samples.
bool is_shared(const OpenRequest& request, const Tensor& array, const InputSpec& spec) {
  if (request.inputs.size() < 2) return false;
  if (array.rank() == 0) return spec.extents.empty();
  return is_one_sample(array, spec);
}

void add_input(const OpenRequest& request,
               ArraySource& arrays,
               const InputSpec& spec,
               SampleSetParts& parts) {
  const std::string name = array_for(request, arrays, spec);
  Tensor array = arrays.read(name);
  const bool shared = is_shared(request, array, spec);
  if (shared || is_one_sample(array, spec)) array = as_one_row(array);
  const std::int64_t count = array.rank() > 0 ? array.shape()[0] : 0;
  if (count == 0) request.fail(fmt::format("the array for \"{}\" holds no samples", spec.name));
  if (!shared && parts.size > 0 && count != parts.size) {
    request.fail(fmt::format(
        "the array for \"{}\" holds {} samples, the one before {}", spec.name, count, parts.size));
  }
  if (!shared) parts.size = count;
  const auto layout = shared ? std::nullopt : layout_of_pixels(request, array, spec);
  parts.inputs.push_back(layout ? pixel_input(request, array, *layout, spec)
                                : array_input(array, spec, title_of(request, name), shared));
  parts.batch_axes.push_back(spec.batch_axis);
}

/// Text, objects and damaged members are not errors: calibration needs no labels.
Labels read_labels(const OpenRequest& request,
                   ArraySource& arrays,
                   const std::string& name,
                   std::int64_t samples) {
  const std::string title = title_of(request, name);
  std::string reason;
  try {
    return labels_of(arrays.read(name), samples, title);
  } catch (const Error& error) {
    reason = error.reason();
  }
  try {
    return labels_of(arrays.read_text(name), samples, title);
  } catch (const Error&) {  // the reason why it has no numbers is more useful
    return {.fault = fmt::format("{}: {}", title, reason)};
  }
}

/// Stacks arrays of one shape and type; a leading axis of 1 that `spec` does not have is dropped.
Tensor stacked(const OpenRequest& request,
               const std::vector<std::filesystem::path>& files,
               const InputSpec& spec) {
  std::string bytes;
  Tensor first;
  for (const std::filesystem::path& file : files) {
    const Tensor array = parse_npy(read_file(file), file.string());
    if (bytes.empty()) first = array;
    if (array.shape() != first.shape() || array.type() != first.type()) {
      request.fail(
          fmt::format("{} is {} {}, and {} is {} {}; samples are arrays of one shape and "
                      "type",
                      files.front().filename().string(),
                      name_of(first.type()),
                      shape_text(first.shape()),
                      file.filename().string(),
                      name_of(array.type()),
                      shape_text(array.shape())));
    }
    const auto data = array.bytes();
    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
  std::vector<std::int64_t> shape = first.shape();
  const bool counts_itself = shape.size() == spec.extents.size() + 1 && shape.front() == 1;
  if (counts_itself) shape.erase(shape.begin());
  shape.insert(shape.begin(), static_cast<std::int64_t>(files.size()));
  return Tensor::from_bytes(first.type(), shape, std::as_bytes(std::span(bytes)));
}

}  // namespace

bool takes_pictures(const InputSpec& spec) {
  const auto is_channels = [](std::int64_t extent) { return extent == 1 || extent == 3; };
  const auto& extents = spec.extents;
  return extents.size() == 3 && (is_channels(extents[0]) || is_channels(extents[2]));
}

std::unique_ptr<Dataset> open_npy_files(const OpenRequest& request,
                                        const std::vector<std::filesystem::path>& files) {
  std::map<std::string, std::filesystem::path> named;
  std::vector<std::filesystem::path> samples;
  bool is_named = request.inputs.size() > 1;
  for (const auto& file : files) {
    const std::string name = file.stem().string();
    named.emplace(name, file);
    if (!is_label_name(name)) samples.push_back(file);
    is_named = is_named || name == request.inputs.front().name || name == "x" || name == "arr_0";
  }
  if (is_named || samples.size() < 2) return open_named(request, *npy_source(std::move(named)));
  const Tensor array = stacked(request, samples, request.inputs.front());
  return open_named(request, *memory_source({{"x", array}}, request.source.string()));
}

std::unique_ptr<Dataset> open_named(const OpenRequest& request, ArraySource& arrays) {
  SampleSetParts parts;
  for (const InputSpec& spec : request.inputs) add_input(request, arrays, spec, parts);
  parts.size = std::max<std::int64_t>(parts.size, 1);  // if all inputs are single samples
  for (const std::string_view name : kLabelNames) {
    const bool is_input = std::any_of(request.inputs.begin(),
                                      request.inputs.end(),
                                      [&](const InputSpec& spec) { return spec.name == name; });
    if (is_input || !has_name(arrays, name)) continue;
    parts.labels = read_labels(request, arrays, std::string(name), parts.size);
    break;
  }
  parts.name_of = numbered_samples(request.source);
  return finish_opening(request, std::move(parts));
}

}  // namespace ompq::data

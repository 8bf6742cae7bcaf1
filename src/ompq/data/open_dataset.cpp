#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/data/dataset.h"
#include "ompq/data/image_files.h"
#include "ompq/data/npz.h"
#include "ompq/data/pixel_array.h"
#include "ompq/data/sample_set.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSources =
    "a directory of images (with labels.csv, in class folders, or flat), IDX files, CIFAR-10 "
    "binary batches or an .npz file";

/// What every opener needs.
struct Request {
  fs::path source;
  const std::vector<InputSpec>& inputs;
  const DatasetOptions& options;

  [[noreturn]] void fail(const std::string& reason) const {
    throw DataError(source.string(), reason);
  }
  /// Images feed one input.
  [[nodiscard]] const InputSpec& image_spec() const {
    if (inputs.size() == 1) return inputs.front();
    std::vector<std::string> names;
    for (const InputSpec& input : inputs) names.push_back(input.name);
    fail(
        fmt::format("the network has {} inputs ({}), images feed one; give an .npz with an array "
                    "for each",
                    inputs.size(),
                    fmt::join(names, ", ")));
  }
};

std::unique_ptr<Dataset> finish(const Request& request, SampleSetParts parts) {
  if (parts.size == 0) request.fail("holds no samples");
  parts.skip_broken = request.options.skip_broken;
  return std::make_unique<SampleSet>(std::move(parts));
}

std::function<std::string(std::int64_t)> numbered(const fs::path& source) {
  return [name = source.filename().string()](std::int64_t index) {
    return fmt::format("sample {} of {}", index, name);
  };
}

// --- directories of images -----------------------------------------------------------------------

std::unique_ptr<Dataset> open_images(const Request& request, ImageFiles listed) {
  const InputSpec& spec = request.image_spec();
  const auto files = std::make_shared<const ImageFiles>(std::move(listed));
  SampleSetParts parts;
  parts.size = static_cast<std::int64_t>(files->names.size());
  parts.labels = files->labels;
  parts.name_of = [files](std::int64_t index) {
    return files->names[static_cast<std::size_t>(index)];
  };
  parts.inputs.push_back(
      image_input([files](std::int64_t index) { return files->read(index); },
                  ImageTransform(request.options.preprocess, spec.extents, spec.name)));
  return finish(request, std::move(parts));
}

// --- arrays of pixels ----------------------------------------------------------------------------

std::unique_ptr<InputSource> pixel_input(const Request& request,
                                         const Tensor& pixels,
                                         const InputSpec& spec) {
  const PixelLayout layout = pixel_layout(pixels.shape(), request.source.string());
  return image_input(
      [pixels, layout](std::int64_t index) { return image_at(pixels, layout, index); },
      ImageTransform(
          request.options.preprocess, spec.extents, spec.name, {layout.height, layout.width}));
}

std::unique_ptr<Dataset> open_pixels(const Request& request, PixelArray array) {
  SampleSetParts parts;
  parts.size = array.pixels.shape()[0];
  parts.labels = std::move(array.labels);
  parts.name_of = numbered(request.source);
  parts.inputs.push_back(pixel_input(request, array.pixels, request.image_spec()));
  return finish(request, std::move(parts));
}

/// Of two splits, the one that is asked for; without a wish the test half, or what there is.
const std::vector<fs::path>& choose_split(const Request& request,
                                          const std::vector<fs::path>& train,
                                          const std::vector<fs::path>& test) {
  const std::string& split = request.options.split;
  const bool wants_train = split == "train" || (split.empty() && test.empty());
  const auto& chosen = wants_train ? train : test;
  if (chosen.empty())
    request.fail(fmt::format("holds no {} split", wants_train ? "train" : "test"));
  return chosen;
}

// --- named arrays, of an .npz file or in memory --------------------------------------------------

/// The array that feeds `spec`: the one of its name, or `x` where the network has one input.
const Tensor& array_for(const Request& request, const NamedArrays& arrays, const InputSpec& spec) {
  auto found = arrays.find(spec.name);
  if (found == arrays.end() && request.inputs.size() == 1) found = arrays.find("x");
  if (found != arrays.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays) names.push_back(name);
  request.fail(fmt::format("holds the arrays {} but none named \"{}\"{}",
                           fmt::join(names, ", "),
                           spec.name,
                           request.inputs.size() == 1 ? " or \"x\"" : ""));
}

bool is_float(DataType type) {
  return type == DataType::Float16 || type == DataType::Float64 || type == DataType::Float32;
}

std::vector<std::int32_t> labels_of(const Request& request, const Tensor& y, std::int64_t count) {
  if (is_float(y.type()) || y.elements() != count) {
    request.fail(
        fmt::format("array y is {} {}; labels are one whole number for each of the {} "
                    "samples",
                    name_of(y.type()),
                    shape_text(y.shape()),
                    count));
  }
  const Tensor labels = y.converted_to(DataType::Int32);
  const auto values = labels.data<std::int32_t>();
  return {values.begin(), values.end()};
}

std::unique_ptr<Dataset> open_named(const Request& request, const NamedArrays& arrays) {
  SampleSetParts parts;
  for (const InputSpec& spec : request.inputs) {
    const Tensor& array = array_for(request, arrays, spec);
    const std::int64_t count = array.rank() > 0 ? array.shape()[0] : 0;
    if (!parts.inputs.empty() && count != parts.size) {
      request.fail(fmt::format("the array for \"{}\" holds {} samples, the one before {}",
                               spec.name,
                               count,
                               parts.size));
    }
    parts.size = count;
    if (count == 0) request.fail(fmt::format("the array for \"{}\" holds no samples", spec.name));
    parts.inputs.push_back(
        array.type() == DataType::UInt8
            ? pixel_input(request, array, spec)
            : array_input(is_float(array.type()) ? array.converted_to(DataType::Float32) : array,
                          spec));
  }
  const bool is_input = std::any_of(request.inputs.begin(),
                                    request.inputs.end(),
                                    [](const InputSpec& spec) { return spec.name == "y"; });
  const auto y = arrays.find("y");
  if (y != arrays.end() && !is_input) parts.labels = labels_of(request, y->second, parts.size);
  parts.name_of = numbered(request.source);
  return finish(request, std::move(parts));
}

// --- what is it? ---------------------------------------------------------------------------------

/// The files and folders of a directory that say what it is.
struct Contents {
  bool has_labels_csv = false;
  bool has_images = false;
  std::vector<std::string> folders;
  std::vector<fs::path> idx_train;
  std::vector<fs::path> idx_test;
  std::vector<fs::path> cifar_train;
  std::vector<fs::path> cifar_test;
};

void classify_file(const fs::path& file, Contents& contents) {
  const std::string name = file.filename().string();
  const bool idx_images =
      name.find("images") != std::string::npos && name.find("idx3") != std::string::npos;
  if (name == "labels.csv") contents.has_labels_csv = true;
  if (is_image_file(file)) contents.has_images = true;
  if (idx_images)
    (name.starts_with("train") ? contents.idx_train : contents.idx_test).push_back(file);
  if (name == "test_batch.bin") contents.cifar_test.push_back(file);
  if (name.starts_with("data_batch_") && name.ends_with(".bin")) {
    contents.cifar_train.push_back(file);
  }
}

Contents look_into(const fs::path& directory) {
  Contents contents;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file()) classify_file(entry.path(), contents);
    if (entry.is_directory() && !name.starts_with('.')) contents.folders.push_back(name);
  }
  std::sort(contents.folders.begin(), contents.folders.end());
  std::sort(contents.cifar_train.begin(), contents.cifar_train.end());
  return contents;
}

/// Folders of splits would pass for classes and give every image a wrong label.
void refuse_folders_of_splits(const Request& request, const std::vector<std::string>& folders) {
  static constexpr std::array<std::string_view, 5> kSplits{
      "test", "train", "val", "valid", "validation"};
  for (const std::string& folder : folders) {
    if (std::find(kSplits.begin(), kSplits.end(), folder) == kSplits.end()) return;
  }
  request.fail(
      fmt::format("holds the splits {}; name one of these folders", fmt::join(folders, ", ")));
}

std::unique_ptr<Dataset> open_directory(const Request& request) {
  const Contents contents = look_into(request.source);
  if (contents.has_labels_csv) {
    return open_images(request, list_labelled(request.source, request.options.skip_broken));
  }
  if (!contents.idx_train.empty() || !contents.idx_test.empty()) {
    const auto& files = choose_split(request, contents.idx_train, contents.idx_test);
    if (files.size() > 1) request.fail("holds several IDX files of images; name one of them");
    return open_pixels(request, read_idx_images(files.front()));
  }
  if (!contents.cifar_train.empty() || !contents.cifar_test.empty()) {
    const auto& files = choose_split(request, contents.cifar_train, contents.cifar_test);
    return open_pixels(request, read_cifar10(files));
  }
  if (contents.has_images && !contents.folders.empty()) {
    request.fail(
        "holds both images and folders; put every image into the folder of its class, or "
        "list them in labels.csv");
  }
  if (contents.has_images) return open_images(request, list_flat(request.source));
  if (!contents.folders.empty()) {
    refuse_folders_of_splits(request, contents.folders);
    ImageFiles files = list_class_folders(request.source);
    if (!files.names.empty()) return open_images(request, std::move(files));
  }
  request.fail(fmt::format("holds no samples; expected {}", kSources));
}

std::unique_ptr<Dataset> open_file(const Request& request) {
  using namespace std::string_view_literals;
  std::string magic(3, ' ');
  std::ifstream stream(request.source, std::ios::binary);
  stream.read(magic.data(), 3);
  magic.resize(static_cast<std::size_t>(stream.gcount()));
  if (magic.empty())
    request.fail(fmt::format("the file is empty (0 bytes); expected {}", kSources));
  if (magic.starts_with("PK")) return open_named(request, read_npz(request.source));
  if (magic.starts_with("\x1f\x8b"sv) || magic.starts_with("\0\0\x08"sv)) {
    return open_pixels(request, read_idx_images(request.source));
  }
  if (request.source.extension() == ".bin") {
    return open_pixels(request, read_cifar10({request.source}));
  }
  request.fail(fmt::format("is no source of samples; expected {}", kSources));
}

}  // namespace

std::unique_ptr<Dataset> open_arrays(const NamedArrays& arrays,
                                     const std::string& name,
                                     const std::vector<InputSpec>& inputs,
                                     const DatasetOptions& options) {
  if (inputs.empty()) throw ConfigError("data", "the network has no inputs to feed");
  return open_named({name, inputs, options}, arrays);
}

std::unique_ptr<Dataset> open_dataset(const fs::path& source,
                                      const std::vector<InputSpec>& inputs,
                                      const DatasetOptions& options) {
  if (inputs.empty()) throw ConfigError("data", "the network has no inputs to feed");
  if (!options.split.empty() && options.split != "train" && options.split != "test") {
    throw ConfigError(
        "data", fmt::format("split \"{}\" is unknown; use \"train\" or \"test\"", options.split));
  }
  const Request request{source, inputs, options};
  std::error_code ignored;
  if (fs::is_directory(source, ignored)) return open_directory(request);
  if (fs::is_regular_file(source, ignored)) return open_file(request);
  request.fail(fmt::format("does not exist; expected {}", kSources));
}

}  // namespace ompq::data

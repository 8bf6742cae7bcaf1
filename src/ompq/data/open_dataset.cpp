#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/data/array_input.h"
#include "ompq/data/array_source.h"
#include "ompq/data/dataset.h"
#include "ompq/data/image_files.h"
#include "ompq/data/open_request.h"
#include "ompq/data/pixel_array.h"
#include "ompq/data/sample_set.h"

namespace ompq::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSources =
    "a directory of images (with labels.csv, in class folders, or flat), IDX files, CIFAR-10 "
    "binary batches, or an .npz or .npy file";

// --- directories of images -----------------------------------------------------------------------

bool is_open(const InputSpec& spec) {
  return std::any_of(
      spec.extents.begin(), spec.extents.end(), [](std::int64_t extent) { return extent < 1; });
}

/// The height and width of all images; {0, 0} if they differ. Of many images, only as many are read
/// as calibration draws.
std::array<std::int64_t, 2> common_size(const ImageFiles& files) {
  constexpr std::int64_t kLookedAt = 64;
  const auto count = static_cast<std::int64_t>(files.names.size());
  const std::int64_t looked_at = std::min(count, kLookedAt);
  std::array<std::int64_t, 2> size{0, 0};
  for (std::int64_t i = 0; i < looked_at; ++i) {
    try {
      const Image image = files.read(i * count / looked_at);
      const std::array<std::int64_t, 2> own{image.height, image.width};
      if (size[0] == 0) size = own;
      if (size != own) return {0, 0};
    } catch (const Error&) {  // reported when the sample is read
      continue;
    }
  }
  return size;
}

std::unique_ptr<Dataset> open_images(const OpenRequest& request, ImageFiles listed) {
  const InputSpec& spec = request.image_spec();
  const auto files = std::make_shared<const ImageFiles>(std::move(listed));
  SampleSetParts parts;
  parts.size = static_cast<std::int64_t>(files->names.size());
  parts.labels = files->labels;
  parts.name_of = [files](std::int64_t index) {
    return files->names[static_cast<std::size_t>(index)];
  };
  if (auto sentence = files->left_out.sentence(files->root); !sentence.empty()) {
    parts.remarks.push_back(std::move(sentence));
  }
  const auto natural = is_open(spec) ? common_size(*files) : std::array<std::int64_t, 2>{0, 0};
  parts.inputs.push_back(
      image_input([files](std::int64_t index) { return files->read(index); },
                  ImageTransform(request.preprocess_for(spec), spec.extents, spec.name, natural),
                  spec.type));
  return finish_opening(request, std::move(parts));
}

// --- arrays of pixels ----------------------------------------------------------------------------

std::unique_ptr<Dataset> open_pixels(const OpenRequest& request, PixelArray array) {
  SampleSetParts parts;
  parts.size = array.pixels.shape()[0];
  parts.labels = std::move(array.labels);
  parts.name_of = numbered_samples(request.source);
  const InputSpec& spec = request.image_spec();
  const auto layout = picture_layout(array.pixels.shape());
  if (!layout) {
    request.fail(
        fmt::format("an array of shape {} does not hold images; they are [n, h, w], "
                    "[n, h, w, c] or [n, c, h, w] with 1 or 3 channels",
                    shape_text(array.pixels.shape())));
  }
  parts.inputs.push_back(pixel_input(request, array.pixels, *layout, spec));
  return finish_opening(request, std::move(parts));
}

/// The requested one of two splits; by default the test split, or the one that exists.
const std::vector<fs::path>& choose_split(const OpenRequest& request,
                                          const std::vector<fs::path>& train,
                                          const std::vector<fs::path>& test) {
  const std::string& split = request.options.split;
  const bool wants_train = split == "train" || (split.empty() && test.empty());
  const auto& chosen = wants_train ? train : test;
  if (chosen.empty())
    request.fail(fmt::format("holds no {} split", wants_train ? "train" : "test"));
  return chosen;
}

// --- kinds of sources
// ---------------------------------------------------------------------------------

/// The files and folders of a directory that show which kind of source it is.
struct Contents {
  bool has_labels_csv = false;
  bool has_images = false;
  std::vector<std::string> folders;
  std::vector<fs::path> idx_train;
  std::vector<fs::path> idx_test;
  std::vector<fs::path> cifar_train;
  std::vector<fs::path> cifar_test;
  std::vector<fs::path> npy;
};

void classify_file(const fs::path& file, Contents& contents) {
  if (is_clutter(file)) return;
  const std::string name = file.filename().string();
  if (file.extension() == ".npy") contents.npy.push_back(file);
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
    if (entry.is_regular_file()) classify_file(entry.path(), contents);
    if (entry.is_directory() && !is_clutter(entry.path())) {
      contents.folders.push_back(entry.path().filename().string());
    }
  }
  std::sort(contents.folders.begin(), contents.folders.end());
  std::sort(contents.npy.begin(), contents.npy.end());
  std::sort(contents.cifar_train.begin(), contents.cifar_train.end());
  return contents;
}

/// Without this check, folders of splits would be read as classes, with wrong labels.
void refuse_folders_of_splits(const OpenRequest& request, const std::vector<std::string>& folders) {
  static constexpr std::array<std::string_view, 5> kSplits{
      "test", "train", "val", "valid", "validation"};
  for (const std::string& folder : folders) {
    if (std::find(kSplits.begin(), kSplits.end(), folder) == kSplits.end()) return;
  }
  request.fail(
      fmt::format("holds the splits {}; name one of these folders", fmt::join(folders, ", ")));
}

std::unique_ptr<Dataset> open_directory(const OpenRequest& request) {
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
  if (!contents.npy.empty()) return open_npy_files(request, contents.npy);
  if (!contents.folders.empty()) {
    refuse_folders_of_splits(request, contents.folders);
    ImageFiles files = list_class_folders(request.source);
    if (!files.names.empty()) return open_images(request, std::move(files));
  }
  request.fail(fmt::format("holds no samples; expected {}", kSources));
}

std::unique_ptr<Dataset> open_file(const OpenRequest& request) {
  using namespace std::string_view_literals;
  std::string magic(3, ' ');
  std::ifstream stream(request.source, std::ios::binary);
  stream.read(magic.data(), 3);
  magic.resize(static_cast<std::size_t>(stream.gcount()));
  if (magic.empty())
    request.fail(fmt::format("the file is empty (0 bytes); expected {}", kSources));
  if (magic.starts_with("PK")) return open_named(request, *npz_source(request.source));
  if (magic.starts_with("\x93NU"sv)) return open_npy_files(request, {request.source});
  if (magic.starts_with("\x1f\x8b"sv) || magic.starts_with("\0\0\x08"sv)) {
    return open_pixels(request, read_idx_images(request.source));
  }
  if (request.source.extension() == ".bin") {
    return open_pixels(request, read_cifar10({request.source}));
  }
  request.fail(fmt::format("is not a source of samples; expected {}", kSources));
}

}  // namespace

// --- shared by all openers ----------------------------------------------------------------------

void OpenRequest::fail(const std::string& reason) const {
  throw DataError(source.string(), reason);
}

const InputSpec& OpenRequest::image_spec() const {
  if (inputs.size() == 1) return inputs.front();
  std::vector<std::string> names;
  for (const InputSpec& input : inputs) names.push_back(input.name);
  fail(fmt::format(
      "the network has {} inputs ({}), but images feed only one; give an .npz with an array for "
      "each",
      inputs.size(),
      fmt::join(names, ", ")));
}

Preprocess OpenRequest::preprocess_for(const InputSpec& spec) const {
  Preprocess preprocess = options.preprocess;
  if (!is_floating(spec.type) && !options.scale_given) preprocess.scale = 1;
  return preprocess;
}

std::unique_ptr<Dataset> finish_opening(const OpenRequest& request, SampleSetParts parts) {
  if (parts.size == 0) request.fail("holds no samples");
  parts.skip_broken = request.options.skip_broken;
  return std::make_unique<SampleSet>(std::move(parts));
}

std::function<std::string(std::int64_t)> numbered_samples(const fs::path& source) {
  return [name = source.filename().string()](std::int64_t index) {
    return fmt::format("sample {} of {}", index, name);
  };
}

std::unique_ptr<InputSource> pixel_input(const OpenRequest& request,
                                         const Tensor& pixels,
                                         const PixelLayout& layout,
                                         const InputSpec& spec) {
  Preprocess preprocess = request.preprocess_for(spec);
  const bool is_picture = takes_pictures(spec) || picture_layout(pixels.shape()).has_value();
  if (!is_picture && !request.options.scale_given) preprocess.scale = 1;
  return image_input(
      [pixels, layout](std::int64_t index) { return image_at(pixels, layout, index); },
      ImageTransform(
          preprocess, spec.extents, spec.name, {layout.height, layout.width}, layout.channels),
      spec.type);
}

std::unique_ptr<Dataset> open_arrays(const NamedArrays& arrays,
                                     const std::string& name,
                                     const std::vector<InputSpec>& inputs,
                                     const DatasetOptions& options) {
  if (inputs.empty()) throw ConfigError("data", "the network has no inputs to feed");
  return open_named({name, inputs, options}, *memory_source(arrays, name));
}

std::unique_ptr<Dataset> open_dataset(const fs::path& source,
                                      const std::vector<InputSpec>& inputs,
                                      const DatasetOptions& options) {
  if (inputs.empty()) throw ConfigError("data", "the network has no inputs to feed");
  if (!options.split.empty() && options.split != "train" && options.split != "test") {
    throw ConfigError(
        "data", fmt::format("split \"{}\" is unknown; use \"train\" or \"test\"", options.split));
  }
  const OpenRequest request{source, inputs, options};
  try {
    std::error_code ignored;
    if (fs::is_directory(source, ignored)) return open_directory(request);
    if (fs::is_regular_file(source, ignored)) return open_file(request);
  } catch (const fs::filesystem_error& error) {
    throw FileError(error.path1().string(),
                    fmt::format("cannot be read: {}", error.code().message()));
  }
  std::error_code ignored;
  if (fs::exists(source, ignored)) {
    request.fail(fmt::format("is neither a file nor a folder; expected {}", kSources));
  }
  request.fail(fmt::format("does not exist; expected {}", kSources));
}

}  // namespace ompq::data

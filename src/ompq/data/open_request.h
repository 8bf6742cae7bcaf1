#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ompq/data/array_source.h"
#include "ompq/data/dataset.h"
#include "ompq/data/pixel_array.h"
#include "ompq/data/sample_set.h"

namespace ompq::data {

/// The arguments of every opener of samples.
struct OpenRequest {
  std::filesystem::path source;
  const std::vector<InputSpec>& inputs;
  const DatasetOptions& options;

  /// @throws DataError naming the source.
  [[noreturn]] void fail(const std::string& reason) const;
  /// The input that images feed. @throws DataError if the network has several.
  [[nodiscard]] const InputSpec& image_spec() const;
  /// The preprocessing for `spec`: integer inputs take unscaled pixels by default.
  [[nodiscard]] Preprocess preprocess_for(const InputSpec& spec) const;
};

/// True for [c, h, w] and [h, w, c] with c of 1 or 3.
[[nodiscard]] bool takes_pictures(const InputSpec& spec);

/// @throws DataError if there are no samples.
[[nodiscard]] std::unique_ptr<Dataset> finish_opening(const OpenRequest& request,
                                                      SampleSetParts parts);

/// "sample 17 of digits.npz"
[[nodiscard]] std::function<std::string(std::int64_t)> numbered_samples(
    const std::filesystem::path& source);

/// uint8 images of one size.
[[nodiscard]] std::unique_ptr<InputSource> pixel_input(const OpenRequest& request,
                                                       const Tensor& pixels,
                                                       const PixelLayout& layout,
                                                       const InputSpec& spec);

/// Samples from named arrays, one array for each input.
[[nodiscard]] std::unique_ptr<Dataset> open_named(const OpenRequest& request, ArraySource& arrays);

/// .npy files: a single file has all samples; several are one array per input, named after the
/// inputs, or, if no name matches and the network has one input, one sample each, sorted by name.
[[nodiscard]] std::unique_ptr<Dataset> open_npy_files(
    const OpenRequest& request, const std::vector<std::filesystem::path>& files);

}  // namespace ompq::data

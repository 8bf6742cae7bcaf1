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

/// What every opener of samples needs.
struct OpenRequest {
  std::filesystem::path source;
  const std::vector<InputSpec>& inputs;
  const DatasetOptions& options;

  /// @throws DataError naming the source.
  [[noreturn]] void fail(const std::string& reason) const;
  /// Images feed one input. @throws DataError where the network has several.
  [[nodiscard]] const InputSpec& image_spec() const;
  /// How pixels become numbers for `spec`: integers take them as they are, unless something else
  /// is said.
  [[nodiscard]] Preprocess preprocess_for(const InputSpec& spec) const;
};

/// True for [c, h, w] and [h, w, c] with c of 1 or 3.
[[nodiscard]] bool takes_pictures(const InputSpec& spec);

/// @throws DataError where there are no samples.
[[nodiscard]] std::unique_ptr<Dataset> finish_opening(const OpenRequest& request,
                                                      SampleSetParts parts);

/// "sample 17 of digits.npz"
[[nodiscard]] std::function<std::string(std::int64_t)> numbered_samples(
    const std::filesystem::path& source);

/// Images of one size held as uint8.
[[nodiscard]] std::unique_ptr<InputSource> pixel_input(const OpenRequest& request,
                                                       const Tensor& pixels,
                                                       const PixelLayout& layout,
                                                       const InputSpec& spec);

/// Samples out of named arrays, an array for each input.
[[nodiscard]] std::unique_ptr<Dataset> open_named(const OpenRequest& request, ArraySource& arrays);

/// .npy files: one is all samples; several are an array for each input by their names, or, where no
/// name is an input's and the network has one input, a sample each, in the order of their names.
[[nodiscard]] std::unique_ptr<Dataset> open_npy_files(
    const OpenRequest& request, const std::vector<std::filesystem::path>& files);

}  // namespace ompq::data

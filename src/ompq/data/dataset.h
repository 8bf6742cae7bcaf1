#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/data/image.h"
#include "ompq/data/image_transform.h"
#include "ompq/data/input_spec.h"
#include "ompq/data/named_arrays.h"
#include "ompq/data/preprocess.h"

namespace ompq::data {

/// A batch, ready for the network.
struct Batch {
  std::vector<Tensor> inputs;  ///< one per network input, float32 NCHW [n, c, h, w] for images
  std::vector<std::int32_t> labels;  ///< n class indices, or empty
  std::int64_t size = 0;             ///< n
};

struct DatasetOptions {
  Preprocess preprocess = {};
  /// True if a file or an option gives `preprocess`: it then applies to all uint8 arrays, including
  /// those that are not images, and to integer inputs.
  bool preprocess_given = false;
  /// True if one of them gives the scale; otherwise integer inputs and arrays that are not images
  /// are not scaled.
  bool scale_given = false;
  bool skip_broken = false;  ///< skip samples that cannot be decoded, and count them
  std::string split =
      "";  ///< "train" or "test" if the source has both (IDX, CIFAR-10); default test
};

/// The images of a data set before preprocessing, for augmentation. Const and thread-safe; valid as
/// long as the data set.
struct ImageAccess {
  /// Decodes one image. @throws DataError naming it and the reason.
  std::function<Image(std::int64_t)> read;
  const ImageTransform* transform = nullptr;  ///< from an image to the sample
  std::span<const std::int32_t> labels = {};  ///< one per sample, or none
  bool skip_broken = false;
};

/// Samples with one interface, decoded on demand. Thread-compatible.
class Dataset {
 public:
  virtual ~Dataset() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual bool has_labels() const = 0;
  /// Why the labels cannot be used, as a clause; empty if they can be used or there are none.
  [[nodiscard]] virtual std::string label_fault() const { return {}; }
  /// For a network with classes. @throws DataError naming the first sample whose label is a number
  /// outside 0..classes-1. Labels of another form are only not used, see label_fault().
  virtual void require_labels_below(std::int64_t /*classes*/) const {}
  /// One sample's shape for each input, all extents known. Empty if the shapes are not known.
  [[nodiscard]] virtual std::vector<std::vector<std::int64_t>> extents() const { return {}; }
  /// Remarks for the user, one sentence each: files that were skipped, labels that cannot be used.
  [[nodiscard]] virtual std::vector<std::string> remarks() const { return {}; }
  /// The samples at `indices`, preprocessed. With skip_broken, broken ones are missing from the
  /// batch. A sample with NaN or infinity is broken.
  /// @throws DataError naming the sample and the reason.
  [[nodiscard]] virtual Batch load(const std::vector<std::int64_t>& indices) = 0;
  /// File name or "sample 17", for messages.
  [[nodiscard]] virtual std::string sample_name(std::int64_t index) const = 0;
  /// The decoded images, if the samples are images (and the network has one input).
  [[nodiscard]] virtual std::optional<ImageAccess> images() const { return std::nullopt; }
  /// Number of samples skipped so far.
  [[nodiscard]] std::int64_t skipped() const { return skipped_; }

 protected:
  std::int64_t skipped_ = 0;
};

/// Opens samples: a directory of class folders, a flat directory (with labels.csv or without
/// labels), IDX files (plain or gzip, a file or their folder), CIFAR-10 binary batches, an .npz
/// archive, an .npy file or a directory of them.
///
/// An array with the shape of one sample, without a sample axis, is used for every sample if
/// another input determines their number. Arrays are found by the inputs' names; if the network has
/// one input, also as `x`, `arr_0` (numpy.savez's name for an unnamed array), or as the only array.
/// Labels are `y` or `labels`. Other members of an archive are not read. uint8 pixels are
/// preprocessed like images; other numbers are used unchanged.
/// @throws DataError naming the path and what was expected.
[[nodiscard]] std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& source,
                                                    const std::vector<InputSpec>& inputs,
                                                    const DatasetOptions& options);

/// Samples from arrays in memory, with the same rules as an .npz file.
/// @param name  describes the arrays in messages: arrays_text().
/// @throws DataError naming the array and what was expected.
[[nodiscard]] std::unique_ptr<Dataset> open_arrays(const NamedArrays& arrays,
                                                   const std::string& name,
                                                   const std::vector<InputSpec>& inputs,
                                                   const DatasetOptions& options);

/// @throws DataError naming the first label outside of 0..classes-1.
void validate_labels(std::span<const std::int32_t> labels, std::int64_t classes);

/// `count` distinct indices (all, if count is 0 or more than there are), drawn with `seed`, in
/// ascending order.
[[nodiscard]] std::vector<std::int64_t> choose_samples(std::int64_t size,
                                                       std::int64_t count,
                                                       std::uint64_t seed);

}  // namespace ompq::data

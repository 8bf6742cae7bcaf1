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
  std::vector<std::int32_t> labels;  ///< n class indices, empty where there are none
  std::int64_t size = 0;             ///< n
};

struct DatasetOptions {
  Preprocess preprocess = {};
  /// True where a file or an option says `preprocess`: then it holds for all arrays of uint8, also
  /// for those that are no images, and for inputs of integers.
  bool preprocess_given = false;
  /// True where one of them says the scale: otherwise inputs of integers, and arrays that are no
  /// images, have none.
  bool scale_given = false;
  bool skip_broken = false;  ///< leave out what cannot be decoded, and count it
  std::string split =
      "";  ///< "train" or "test" where the source holds both (IDX, CIFAR-10); default test
};

/// The images of a data set before preprocessing: what augmentation works on. All of it is
/// const and thread-safe, and lives as long as the data set.
struct ImageAccess {
  /// Decodes one image. @throws DataError naming it and the reason.
  std::function<Image(std::int64_t)> read;
  const ImageTransform* transform = nullptr;  ///< from an image to the sample
  std::span<const std::int32_t> labels = {};  ///< one per sample, or none
  bool skip_broken = false;
};

/// Samples with one interface, decoded when asked for. Thread-compatible.
class Dataset {
 public:
  virtual ~Dataset() = default;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  [[nodiscard]] virtual bool has_labels() const = 0;
  /// Why labels that are there cannot be used, as a clause; empty where they can, or there are
  /// none.
  [[nodiscard]] virtual std::string label_fault() const { return {}; }
  /// Goes on without labels where one lies outside of 0..classes-1; label_fault() then says so.
  virtual void require_labels_below(std::int64_t /*classes*/) {}
  /// One sample's shape for each input, nothing open. Empty where that is not known.
  [[nodiscard]] virtual std::vector<std::vector<std::int64_t>> extents() const { return {}; }
  /// What the user should know of the source, one sentence each: files that were left out, labels
  /// that cannot be used.
  [[nodiscard]] virtual std::vector<std::string> remarks() const { return {}; }
  /// The samples at `indices`, preprocessed. With skip_broken, broken ones are missing from the
  /// batch.
  /// @throws DataError naming the sample and the reason.
  [[nodiscard]] virtual Batch load(const std::vector<std::int64_t>& indices) = 0;
  /// File name or "sample 17", for messages.
  [[nodiscard]] virtual std::string sample_name(std::int64_t index) const = 0;
  /// Decoded images, where the samples are images (and the network has one input).
  [[nodiscard]] virtual std::optional<ImageAccess> images() const { return std::nullopt; }
  /// Samples left out so far.
  [[nodiscard]] std::int64_t skipped() const { return skipped_; }

 protected:
  std::int64_t skipped_ = 0;
};

/// Opens samples: a directory of class folders, a flat directory (with labels.csv or without
/// labels), IDX files (plain or gzip, a file or their folder), CIFAR-10 binary batches, an .npz
/// archive, an .npy file or a directory of them.
///
/// An array of one sample's shape, without an axis of samples, is every sample's where another
/// input says how many there are. Arrays are found by the inputs' names; where the network has one
/// input, also as `x`, `arr_0` (what numpy.savez calls an array without a name), or as the only
/// array. Labels are `y` or `labels`. Other members of an archive are not read. Pixels of uint8 are
/// preprocessed as images are; other numbers are taken as they are.
/// @throws DataError naming the path and what was expected.
[[nodiscard]] std::unique_ptr<Dataset> open_dataset(const std::filesystem::path& source,
                                                    const std::vector<InputSpec>& inputs,
                                                    const DatasetOptions& options);

/// Samples that a program holds in memory, as an .npz file would hold them.
/// @param name  the arrays, for messages: arrays_text().
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

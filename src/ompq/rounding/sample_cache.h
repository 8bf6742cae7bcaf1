#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "ompq/core/matrix_view.h"

namespace ompq::rounding {

/// The memory limit for all caches of one run; caches that do not fit are stored in files.
class CacheMemory {
 public:
  /// @param directory  for files beyond `limit_bytes`; empty: the system's temporary directory.
  explicit CacheMemory(std::int64_t limit_bytes, std::filesystem::path directory = {});

  [[nodiscard]] std::int64_t limit_bytes() const { return limit_bytes_; }
  [[nodiscard]] std::int64_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  /// Reserves `bytes`; false if they do not fit.
  [[nodiscard]] bool take(std::int64_t bytes);
  void give_back(std::int64_t bytes) { used_bytes_ -= bytes; }
  /// Counts caches in files; negative for one that is deleted.
  void add_file(std::int64_t bytes);
  /// Maximum size of all files at one time.
  [[nodiscard]] std::int64_t most_file_bytes() const { return most_file_bytes_; }

 private:
  std::int64_t limit_bytes_;
  std::int64_t used_bytes_ = 0;
  std::int64_t file_bytes_ = 0;
  std::int64_t most_file_bytes_ = 0;
  std::filesystem::path directory_;
};

/// The part of --memory for caches; without it, a quarter of the machine's memory, at most 3 GiB.
[[nodiscard]] std::int64_t default_memory();

/// How a SampleCache stores its elements.
enum class CacheElement {
  Short,    ///< 16 bits, see SampleCache
  Float32,  ///< unchanged: integers up to 2^24, such as token ids, are exact
};

/// One activation of every sample: [rows, cols], one row per sample.
///
/// Elements are 16-bit integers times one scale per row, the row's largest magnitude / 32767: the
/// error is at most half of that, 1/256 of the scale of an 8-bit quantizer for the row's range.
/// bfloat16, of the same size, has errors of half such a scale near the end of the range.
///
/// Rows are in memory, or, beyond the memory limit, in a mapped, unlinked file, which is freed with
/// the cache. Its space is reserved at creation, so that a full disk is an error and not a signal.
/// At most an eighth of the memory limit, up to 256 MiB, of a file is resident.
class SampleCache {
 public:
  /// @throws FileError if the file cannot be created or the disk is full.
  SampleCache(std::int64_t rows,
              std::int64_t cols,
              CacheMemory& memory,
              CacheElement element = CacheElement::Short);
  ~SampleCache();
  SampleCache(const SampleCache&) = delete;
  SampleCache& operator=(const SampleCache&) = delete;

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t cols() const { return cols_; }
  [[nodiscard]] bool in_memory() const { return in_memory_; }
  [[nodiscard]] std::int64_t bytes() const { return rows_ * cols_ * element_bytes(); }

  /// Writes rows `first`, `first` + 1, ... @throws ShapeError if they do not fit; DataError for NaN
  /// or infinity.
  void write(std::int64_t first, const MatrixView& values);
  /// Row `row` as float32 or bfloat16 (rounded to nearest even), `cols` elements.
  void read(std::int64_t row, std::span<float> out) const;
  void read_bfloat16(std::int64_t row, std::span<std::uint16_t> out) const;

  /// The elements of a Short row: integers, to be multiplied by row_scale().
  [[nodiscard]] std::span<const std::int16_t> row(std::int64_t row) const;
  [[nodiscard]] float row_scale(std::int64_t row) const;
  /// Releases the resident pages of a mapped file; they are read again when needed.
  void release_pages() const;

 private:
  [[nodiscard]] std::int64_t element_bytes() const {
    return element_ == CacheElement::Short ? 2 : 4;
  }
  [[nodiscard]] float* floats(std::int64_t row) const {
    return reinterpret_cast<float*>(data_) + row * cols_;
  }
  void map_file(std::int64_t bytes);
  /// Records that `rows` rows were used, and releases a mapped file's pages when there are many.
  void touch(std::int64_t rows) const;

  std::int64_t rows_;
  std::int64_t cols_;
  CacheMemory& memory_;
  CacheElement element_;
  bool in_memory_ = false;
  std::int16_t* data_ = nullptr;
  std::int64_t resident_limit_;                         ///< of a mapped file
  mutable std::atomic<std::int64_t> touched_bytes_{0};  ///< since pages were released
  std::unique_ptr<float[]> scales_;
};

}  // namespace ompq::rounding

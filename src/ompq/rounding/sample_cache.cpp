#include "ompq/rounding/sample_cache.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "ompq/core/first_failure.h"
#include "ompq/core/half.h"
#include "ompq/core/machine_memory.h"
#include "ompq/core/memory_budget.h"
#include "ompq/core/out_of_memory.h"
#include "ompq/quant/rounding.h"
#include "ompq/quant/simd.h"

namespace ompq::rounding {
namespace {

constexpr float kMostLevel = 32767.0F;
// Of a mapped file; a smaller memory limit has less.
constexpr std::int64_t kMostResident = std::int64_t{256} << 20;
constexpr std::int64_t kLeastResident = std::int64_t{4} << 20;

OMPQ_VECTOR_CLONES
float greatest_magnitude(const float* values, std::int64_t count) {
  float max = 0.0F;
#pragma omp simd reduction(max : max)
  for (std::int64_t i = 0; i < count; ++i) max = std::max(max, std::abs(values[i]));
  return max;
}

/// Zero only for finite values: x - x is NaN for the others.
OMPQ_VECTOR_CLONES
bool all_finite(const float* values, std::int64_t count) {
  int odd = 0;
#pragma omp simd reduction(| : odd)
  for (std::int64_t i = 0; i < count; ++i) odd |= (values[i] - values[i] != 0.0F) ? 1 : 0;
  return odd == 0;
}

OMPQ_VECTOR_CLONES
void encode(const float* values, std::int16_t* levels, std::int64_t count, float inverse) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    levels[i] = static_cast<std::int16_t>(quant::round_half_even(values[i] * inverse));
  }
}

OMPQ_VECTOR_CLONES
void decode(const std::int16_t* levels, float* values, std::int64_t count, float scale) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(levels[i]) * scale;
}

OMPQ_VECTOR_CLONES
void decode_bfloat16(const std::int16_t* levels,
                     std::uint16_t* values,
                     std::int64_t count,
                     float scale) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(levels[i]) * scale);
    values[i] = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
}

/// Row `r` as float32: a view, or converted into `buffer`.
const float* floats_of(const MatrixView& view, std::int64_t r, std::vector<float>& buffer) {
  const std::int64_t begin = r * view.row_stride;
  if (view.type == DataType::Float32) return static_cast<const float*>(view.data) + begin;
  buffer.resize(static_cast<std::size_t>(view.cols));
  for (std::int64_t i = 0; i < view.cols; ++i) {
    buffer[static_cast<std::size_t>(i)] =
        view.type == DataType::BFloat16
            ? bfloat16_to_float(static_cast<const std::uint16_t*>(view.data)[begin + i])
            : static_cast<float>(static_cast<const double*>(view.data)[begin + i]);
  }
  return buffer.data();
}

[[noreturn]] void throw_file(const std::filesystem::path& directory, std::int64_t bytes, int code) {
  throw FileError("sample cache",
                  fmt::format("{:.1f} MiB of cached activations do not fit into '{}': {}; free "
                              "space there, allow more memory, or use fewer samples",
                              static_cast<double>(bytes) / (1 << 20),
                              directory.string(),
                              std::strerror(code)));
}

/// The temporary directory of the environment, even if it does not exist, so that the error names
/// it.
std::filesystem::path temporary_directory() {
  std::error_code missing;
  std::filesystem::path folder = std::filesystem::temp_directory_path(missing);
  if (!missing) return folder;
  for (const char* name :
       {"TMPDIR", "TMP", "TEMP", "TEMPDIR"}) {  // the order of the standard library
    if (const char* value = std::getenv(name); value != nullptr) return value;
  }
  return "/tmp";
}

/// An unlinked file with reserved space.
int open_unnamed(const std::filesystem::path& directory, std::int64_t bytes) {
  std::string name = (directory / "ompq-cache-XXXXXX").string();
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) throw_file(directory, bytes, errno);
  (void)unlink(name.c_str());
  if (const int code = posix_fallocate(file, 0, bytes); code != 0) {
    close(file);
    throw_file(directory, bytes, code);
  }
  return file;
}

}  // namespace

std::int64_t default_memory() {
  constexpr std::int64_t kMost = std::int64_t{3} << 30;
  return memory_part().value_or(std::min(machine_memory() / 4, kMost));
}

CacheMemory::CacheMemory(std::int64_t limit_bytes, std::filesystem::path directory)
    : limit_bytes_(limit_bytes), directory_(std::move(directory)) {
  if (limit_bytes < 0) {
    throw ConfigError(
        "sample cache",
        fmt::format("the memory limit is {} bytes; it must be 0 or more", limit_bytes));
  }
  if (directory_.empty()) directory_ = temporary_directory();
}

void CacheMemory::add_file(std::int64_t bytes) {
  file_bytes_ += bytes;
  most_file_bytes_ = std::max(most_file_bytes_, file_bytes_);
}

bool CacheMemory::take(std::int64_t bytes) {
  if (bytes > limit_bytes_ - used_bytes_) return false;
  used_bytes_ += bytes;
  return true;
}

SampleCache::SampleCache(std::int64_t rows,
                         std::int64_t cols,
                         CacheMemory& memory,
                         CacheElement element)
    : rows_(rows),
      cols_(cols),
      memory_(memory),
      element_(element),
      resident_limit_(std::clamp(memory.limit_bytes() / 8, kLeastResident, kMostResident)),
      scales_(std::make_unique<float[]>(static_cast<std::size_t>(rows))) {
  const std::int64_t size = std::max<std::int64_t>(bytes(), 1);
  in_memory_ = memory.take(size);
  if (!in_memory_) {
    map_file(size);
    return;
  }
  data_ = static_cast<std::int16_t*>(std::calloc(static_cast<std::size_t>(size), 1));
  if (data_ == nullptr) {
    memory.give_back(size);
    throw out_of_memory("sample cache", size);
  }
}

void SampleCache::map_file(std::int64_t bytes) {
  const int file = open_unnamed(memory_.directory(), bytes);
  void* mapped =
      mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int code = errno;
  close(file);
  if (mapped == MAP_FAILED) throw_file(memory_.directory(), bytes, code);
  data_ = static_cast<std::int16_t*>(mapped);
  memory_.add_file(bytes);
}

SampleCache::~SampleCache() {
  const std::int64_t size = std::max<std::int64_t>(bytes(), 1);
  if (in_memory_) {
    std::free(data_);
    memory_.give_back(size);
  } else {
    munmap(data_, static_cast<std::size_t>(size));
    memory_.add_file(-size);
  }
}

void SampleCache::write(std::int64_t first, const MatrixView& values) {
  if (first < 0 || first + values.rows > rows_ || values.cols != cols_) {
    throw ShapeError("sample cache",
                     fmt::format("rows {}..{} of {} elements do not fit into {} rows of {}",
                                 first,
                                 first + values.rows,
                                 values.cols,
                                 rows_,
                                 cols_));
  }
  const auto store = [&](std::int64_t r, std::vector<float>& buffer) {
    const float* row = floats_of(values, r, buffer);
    const float max = all_finite(row, cols_) ? greatest_magnitude(row, cols_) : NAN;
    if (element_ == CacheElement::Float32) {
      std::copy_n(row, cols_, floats(first + r));
      scales_[static_cast<std::size_t>(first + r)] = std::isnan(max) ? max : 1.0F;
      return;
    }
    // The smallest normal number keeps 1 / scale finite.
    const float scale = std::max(max / kMostLevel, std::numeric_limits<float>::min());
    scales_[static_cast<std::size_t>(first + r)] = std::isnan(max) ? max : scale;
    encode(row, data_ + (first + r) * cols_, cols_, std::isnan(max) ? 0.0F : 1.0F / scale);
  };
  FirstFailure failure;
#pragma omp parallel
  {
    std::vector<float> buffer;
#pragma omp for schedule(static)
    for (std::int64_t r = 0; r < values.rows; ++r) failure.guard([&] { store(r, buffer); });
  }
  failure.rethrow();
  touch(values.rows);
  for (std::int64_t r = first; r < first + values.rows; ++r) {
    if (!std::isnan(row_scale(r))) continue;
    throw DataError(
        "samples",
        fmt::format("sample {} of those drawn from --data gives an activation with NaN or "
                    "infinity; remove it, or check the network and the preprocessing with it",
                    r));
  }
}

void SampleCache::read(std::int64_t row, std::span<float> out) const {
  touch(1);
  if (element_ == CacheElement::Float32) {
    std::copy_n(floats(row), cols_, out.data());
    return;
  }
  decode(data_ + row * cols_, out.data(), cols_, row_scale(row));
}

void SampleCache::read_bfloat16(std::int64_t row, std::span<std::uint16_t> out) const {
  touch(1);
  decode_bfloat16(data_ + row * cols_, out.data(), cols_, row_scale(row));
}

std::span<const std::int16_t> SampleCache::row(std::int64_t row) const {
  touch(1);
  return {data_ + row * cols_, static_cast<std::size_t>(cols_)};
}

float SampleCache::row_scale(std::int64_t row) const {
  return scales_[static_cast<std::size_t>(row)];
}

void SampleCache::touch(std::int64_t rows) const {
  if (in_memory_) return;
  const std::int64_t bytes = rows * cols_ * element_bytes();
  if (touched_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes < resident_limit_) return;
  release_pages();
}

void SampleCache::release_pages() const {
  if (in_memory_ || bytes() == 0) return;
  touched_bytes_.store(0, std::memory_order_relaxed);
  // The mapping is shared: written data stay in the file's pages, where concurrent readers find
  // them.
  (void)madvise(data_, static_cast<std::size_t>(bytes()), MADV_DONTNEED);
}

}  // namespace ompq::rounding

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ompq/errors.h"

namespace ompq {

/// Element types of arrays and tensors.
enum class DataType : std::uint8_t {
  Float32,
  Float16,
  BFloat16,
  Float64,
  Int8,
  UInt8,
  Int16,
  UInt16,
  Int32,
  UInt32,
  Int64,
  UInt64,
  Bool,
};

/// Size of one element in bytes.
[[nodiscard]] OMPQ_API std::size_t size_of(DataType type);
/// "float32", "int64", ...
[[nodiscard]] OMPQ_API std::string_view name_of(DataType type);

template <typename T>
[[nodiscard]] constexpr DataType data_type_of();
template <>
constexpr DataType data_type_of<float>() {
  return DataType::Float32;
}
template <>
constexpr DataType data_type_of<double>() {
  return DataType::Float64;
}
template <>
constexpr DataType data_type_of<std::int8_t>() {
  return DataType::Int8;
}
template <>
constexpr DataType data_type_of<std::uint8_t>() {
  return DataType::UInt8;
}
template <>
constexpr DataType data_type_of<std::int16_t>() {
  return DataType::Int16;
}
template <>
constexpr DataType data_type_of<std::uint16_t>() {
  return DataType::UInt16;
}
template <>
constexpr DataType data_type_of<std::int32_t>() {
  return DataType::Int32;
}
template <>
constexpr DataType data_type_of<std::uint32_t>() {
  return DataType::UInt32;
}
template <>
constexpr DataType data_type_of<std::int64_t>() {
  return DataType::Int64;
}
template <>
constexpr DataType data_type_of<std::uint64_t>() {
  return DataType::UInt64;
}
template <>
constexpr DataType data_type_of<bool>() {
  return DataType::Bool;
}

/// Numbers in the caller's memory, row-major. A view, as std::span is: the numbers must stay where
/// they are until the call that reads them returns.
struct Array {
  /// @param numbers  contiguous and not a temporary: a std::vector, std::array or std::span.
  template <std::ranges::contiguous_range Range>
  requires std::ranges::sized_range<Range> && std::ranges::borrowed_range<Range> Array(
      std::vector<std::int64_t> extents, Range&& numbers)
      : type(data_type_of<std::remove_cv_t<std::ranges::range_value_t<Range>>>()),
        shape(std::move(extents)),
        bytes(std::as_bytes(std::span(std::ranges::data(numbers), std::ranges::size(numbers)))) {}
  /// For types that C++20 lacks, such as float16.
  Array(DataType element, std::vector<std::int64_t> extents, std::span<const std::byte> raw)
      : type(element), shape(std::move(extents)), bytes(raw) {}

  DataType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< size_of(type) x product of `shape`
};

/// Samples: a file or folder, as for --data, or arrays in memory. Empty by default.
class Samples {
 public:
  Samples() = default;
  Samples(std::filesystem::path source) : source_(std::move(source)) {}
  Samples(std::string source) : source_(std::move(source)) {}
  Samples(const char* source) : source_(source) {}
  /// Samples for a network with one input, [n, ...]: uint8 images ([n, h, w], [n, h, w, c] or
  /// [n, c, h, w]), which are preprocessed as files are, or numbers as the network reads them.
  Samples(Array inputs) : arrays_{{"x", std::move(inputs)}} {}
  /// @param labels  [n], the class of each sample.
  Samples(Array inputs, Array labels)
      : arrays_{{"x", std::move(inputs)}, {"y", std::move(labels)}} {}
  /// One array for each input, by its name; "y" for labels.
  Samples(std::map<std::string, Array> arrays) : arrays_(std::move(arrays)) {}

  [[nodiscard]] bool empty() const { return source_.empty() && arrays_.empty(); }
  /// Empty if the samples are arrays.
  [[nodiscard]] const std::filesystem::path& source() const { return source_; }
  /// Empty if the samples are files.
  [[nodiscard]] const std::map<std::string, Array>& arrays() const { return arrays_; }

 private:
  std::filesystem::path source_;
  std::map<std::string, Array> arrays_;
};

}  // namespace ompq

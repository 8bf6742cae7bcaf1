#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ompq/samples.h"

namespace ompq {

/// A dense row-major tensor in host memory. Copies share the bytes; `mutable_data` copies them
/// first if they are shared, and bytes returned by `data` never change.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DataType type, std::vector<std::int64_t> shape);
  /// Copies `values`. @throws ShapeError if their number is not the product of `shape`.
  template <typename T>
  static Tensor from(std::vector<std::int64_t> shape, std::span<const T> values) {
    return from_bytes(data_type_of<T>(), std::move(shape), std::as_bytes(values));
  }
  template <typename T>
  static Tensor from(std::vector<std::int64_t> shape, const std::vector<T>& values) {
    return from<T>(std::move(shape), std::span<const T>(values));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return from<T>({}, std::span<const T>(&value, 1));
  }
  /// Copies raw bytes; @throws ShapeError if they are not size_of(type) x product of `shape`.
  static Tensor from_bytes(DataType type,
                           std::vector<std::int64_t> shape,
                           std::span<const std::byte> bytes);

  [[nodiscard]] DataType type() const { return type_; }
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  [[nodiscard]] std::int64_t rank() const { return static_cast<std::int64_t>(shape_.size()); }
  [[nodiscard]] std::int64_t elements() const;
  [[nodiscard]] std::span<const std::byte> bytes() const;
  [[nodiscard]] std::span<std::byte> mutable_bytes();

  /// Typed views; @throws ShapeError if T is not the element type.
  template <typename T>
  [[nodiscard]] std::span<const T> data() const {
    require(data_type_of<T>());
    return {reinterpret_cast<const T*>(bytes().data()), static_cast<std::size_t>(elements())};
  }
  template <typename T>
  [[nodiscard]] std::span<T> mutable_data() {
    require(data_type_of<T>());
    return {reinterpret_cast<T*>(mutable_bytes().data()), static_cast<std::size_t>(elements())};
  }

  /// The same bytes with another shape. @throws ShapeError if the number of elements differs.
  [[nodiscard]] Tensor reshaped(std::vector<std::int64_t> shape) const;
  /// Converts every element as a C++ cast does, including float16 and bfloat16.
  [[nodiscard]] Tensor converted_to(DataType type) const;
  /// Elements of any integer type (or of a bool tensor) as int64.
  [[nodiscard]] std::vector<std::int64_t> to_int64s() const;
  /// Elements of any type as float32.
  [[nodiscard]] std::vector<float> to_floats() const;

  /// Same type, shape and bytes.
  [[nodiscard]] bool equals(const Tensor& other) const;

 private:
  void require(DataType asked) const;

  DataType type_ = DataType::Float32;
  std::vector<std::int64_t> shape_{0};
  std::shared_ptr<std::vector<std::byte>> bytes_;
};

/// Product of `shape`, 1 for rank 0. @throws ShapeError if an extent is negative or the product
/// overflows.
[[nodiscard]] std::int64_t element_count(std::span<const std::int64_t> shape);
/// "2x3x224x224"; "scalar" for rank 0.
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace ompq

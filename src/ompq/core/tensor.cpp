#include "ompq/core/tensor.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ompq/core/error.h"
#include "ompq/core/half.h"
#include "ompq/core/out_of_memory.h"

namespace ompq {
namespace {

struct TypeRow {
  std::size_t size;
  std::string_view name;
};
constexpr std::array<TypeRow, 13> kTypes{{{4, "float32"},
                                          {2, "float16"},
                                          {2, "bfloat16"},
                                          {8, "float64"},
                                          {1, "int8"},
                                          {1, "uint8"},
                                          {2, "int16"},
                                          {2, "uint16"},
                                          {4, "int32"},
                                          {4, "uint32"},
                                          {8, "int64"},
                                          {8, "uint64"},
                                          {1, "bool"}}};

struct Float16 {
  std::uint16_t bits;
  operator float() const { return half_to_float(bits); }  // NOLINT: a numeric type
};
struct BFloat16 {
  std::uint16_t bits;
  operator float() const { return bfloat16_to_float(bits); }  // NOLINT: a numeric type
};

/// Calls `visit` with a value-initialized element of the C++ type for `type`.
template <typename Visitor>
auto with_type(DataType type, Visitor&& visit) {
  switch (type) {
    case DataType::Float32:
      return visit(float{});
    case DataType::Float16:
      return visit(Float16{});
    case DataType::BFloat16:
      return visit(BFloat16{});
    case DataType::Float64:
      return visit(double{});
    case DataType::Int8:
      return visit(std::int8_t{});
    case DataType::UInt8:
      return visit(std::uint8_t{});
    case DataType::Int16:
      return visit(std::int16_t{});
    case DataType::UInt16:
      return visit(std::uint16_t{});
    case DataType::Int32:
      return visit(std::int32_t{});
    case DataType::UInt32:
      return visit(std::uint32_t{});
    case DataType::Int64:
      return visit(std::int64_t{});
    case DataType::UInt64:
      return visit(std::uint64_t{});
    case DataType::Bool:
      return visit(bool{});
  }
  throw InternalError("tensor", "unknown element type");
}

template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, Float16>) {
    return {float_to_half(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return {float_to_bfloat16(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<From, Float16> || std::is_same_v<From, BFloat16>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

std::size_t size_of(DataType type) { return kTypes[static_cast<std::size_t>(type)].size; }
std::string_view name_of(DataType type) { return kTypes[static_cast<std::size_t>(type)].name; }

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw ShapeError("tensor", "invalid shape " + shape_text(shape));
    }
  }
  return count;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "scalar";
  return fmt::format("{}", fmt::join(shape, "x"));
}

Tensor::Tensor(DataType type, std::vector<std::int64_t> shape)
    : type_(type), shape_(std::move(shape)) {
  std::int64_t size = 0;
  if (__builtin_mul_overflow(
          element_count(shape_), static_cast<std::int64_t>(size_of(type_)), &size)) {
    throw ShapeError("tensor", "invalid shape " + shape_text(shape_));
  }
  try {
    bytes_ = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    throw out_of_memory("tensor", size);
  }
}

Tensor Tensor::from_bytes(DataType type,
                          std::vector<std::int64_t> shape,
                          std::span<const std::byte> bytes) {
  const std::int64_t count = element_count(shape);
  if (bytes.size() / size_of(type) != static_cast<std::size_t>(count) ||
      bytes.size() % size_of(type) != 0) {
    throw ShapeError(
        "tensor",
        fmt::format("got {} bytes for a {} tensor of shape {}, which has {} elements of {} bytes",
                    bytes.size(),
                    name_of(type),
                    shape_text(shape),
                    count,
                    size_of(type)));
  }
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.bytes_ = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  return tensor;
}

std::int64_t Tensor::elements() const { return element_count(shape_); }

std::span<const std::byte> Tensor::bytes() const {
  if (bytes_ == nullptr) return {};
  return *bytes_;
}

std::span<std::byte> Tensor::mutable_bytes() {
  if (bytes_ == nullptr) return {};
  if (bytes_.use_count() > 1) bytes_ = std::make_shared<std::vector<std::byte>>(*bytes_);
  return *bytes_;
}

Tensor Tensor::reshaped(std::vector<std::int64_t> shape) const {
  if (element_count(shape) != elements()) {
    throw ShapeError(
        "tensor",
        fmt::format("cannot view {} elements as shape {}", elements(), shape_text(shape)));
  }
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

Tensor Tensor::converted_to(DataType type) const {
  if (type == type_) return *this;
  Tensor result(type, shape_);
  const auto count = static_cast<std::size_t>(elements());
  with_type(type_, [&](auto from_tag) {
    using From = decltype(from_tag);
    const auto* from = reinterpret_cast<const From*>(bytes().data());
    with_type(type, [&](auto to_tag) {
      using To = decltype(to_tag);
      auto* to = reinterpret_cast<To*>(result.mutable_bytes().data());
      for (std::size_t i = 0; i < count; ++i) to[i] = convert<To>(from[i]);
    });
  });
  return result;
}

std::vector<std::int64_t> Tensor::to_int64s() const {
  const Tensor wide = converted_to(DataType::Int64);
  const auto values = wide.data<std::int64_t>();
  return {values.begin(), values.end()};
}

std::vector<float> Tensor::to_floats() const {
  const Tensor wide = converted_to(DataType::Float32);
  const auto values = wide.data<float>();
  return {values.begin(), values.end()};
}

bool Tensor::equals(const Tensor& other) const {
  const auto mine = bytes();
  const auto theirs = other.bytes();
  return type_ == other.type_ && shape_ == other.shape_ && mine.size() == theirs.size() &&
         (mine.empty() || std::memcmp(mine.data(), theirs.data(), mine.size()) == 0);
}

void Tensor::require(DataType asked) const {
  if (asked != type_) {
    throw ShapeError("tensor",
                     fmt::format("requested {} elements of a {} tensor of shape {}",
                                 name_of(asked),
                                 name_of(type_),
                                 shape_text(shape_)));
  }
}

}  // namespace ompq

#include "ompq/onnx_io/tensor_proto.h"

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/onnx_io/external_data.h"

namespace ompq::onnx_io {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

using onnx::TensorProto;

struct TypeRow {
  int onnx;
  DataType type;
};
constexpr std::array<TypeRow, 13> kTypes{{{TensorProto::FLOAT, DataType::Float32},
                                          {TensorProto::FLOAT16, DataType::Float16},
                                          {TensorProto::BFLOAT16, DataType::BFloat16},
                                          {TensorProto::DOUBLE, DataType::Float64},
                                          {TensorProto::INT8, DataType::Int8},
                                          {TensorProto::UINT8, DataType::UInt8},
                                          {TensorProto::INT16, DataType::Int16},
                                          {TensorProto::UINT16, DataType::UInt16},
                                          {TensorProto::INT32, DataType::Int32},
                                          {TensorProto::UINT32, DataType::UInt32},
                                          {TensorProto::INT64, DataType::Int64},
                                          {TensorProto::UINT64, DataType::UInt64},
                                          {TensorProto::BOOL, DataType::Bool}}};

/// Integers of less than a byte.
struct NarrowType {
  int onnx;
  int bits;
  bool is_signed;
};
constexpr std::array<NarrowType, 4> kNarrowTypes{
    {{21, 4, false}, {22, 4, true}, {25, 2, false}, {26, 2, true}}};

const NarrowType* narrow_type(int onnx_type) {
  for (const NarrowType& row : kNarrowTypes) {
    if (row.onnx == onnx_type) return &row;
  }
  return nullptr;
}

/// Types of ONNX that ompq does not support, by their number in onnx.proto.
struct ForeignType {
  int onnx;
  std::string_view name;
};
constexpr std::array<ForeignType, 16> kForeignTypes{{{0, "undefined"},
                                                     {8, "string"},
                                                     {14, "complex64"},
                                                     {15, "complex128"},
                                                     {17, "float8e4m3fn"},
                                                     {18, "float8e4m3fnuz"},
                                                     {19, "float8e5m2"},
                                                     {20, "float8e5m2fnuz"},
                                                     {21, "uint4"},
                                                     {22, "int4"},
                                                     {23, "float4e2m1"},
                                                     {24, "float8e8m0"},
                                                     {25, "uint2"},
                                                     {26, "int2"},
                                                     {27, "float6e2m3"},
                                                     {28, "float6e3m2"}}};

[[noreturn]] void fail_count(std::uint64_t got,
                             const std::vector<std::int64_t>& shape,
                             std::int64_t needed,
                             const std::string& what,
                             const ModelPlace& place) {
  throw ImportError(place.name,
                    fmt::format("{} has {} elements, but its shape {} requires {}",
                                what,
                                got,
                                shape_text(shape),
                                needed));
}

/// Elements of a typed field, narrowed to Element.
template <typename Element, typename Field>
Tensor from_field(DataType type,
                  std::vector<std::int64_t> shape,
                  const Field& field,
                  const std::string& what,
                  const ModelPlace& place) {
  const std::int64_t needed = element_count(shape);
  if (static_cast<std::int64_t>(field.size()) != needed) {
    fail_count(static_cast<std::uint64_t>(field.size()), shape, needed, what, place);
  }
  std::vector<Element> elements(field.begin(), field.end());
  return Tensor::from_bytes(type, std::move(shape), std::as_bytes(std::span(elements)));
}

Tensor from_typed_field(const TensorProto& proto,
                        DataType type,
                        std::vector<std::int64_t> shape,
                        const std::string& what,
                        const ModelPlace& place) {
  const auto read = [&]<typename Element>(Element, const auto& field) {
    return from_field<Element>(type, std::move(shape), field, what, place);
  };
  switch (type) {
    case DataType::Float32:
      return read(float{}, proto.float_data());
    case DataType::Float64:
      return read(double{}, proto.double_data());
    case DataType::Int64:
      return read(std::int64_t{}, proto.int64_data());
    case DataType::UInt32:
      return read(std::uint32_t{}, proto.uint64_data());
    case DataType::UInt64:
      return read(std::uint64_t{}, proto.uint64_data());
    case DataType::Int32:
      return read(std::int32_t{}, proto.int32_data());
    case DataType::Int16:
      return read(std::int16_t{}, proto.int32_data());
    case DataType::UInt16:
    case DataType::Float16:
    case DataType::BFloat16:
      return read(std::uint16_t{}, proto.int32_data());
    case DataType::Int8:
      return read(std::int8_t{}, proto.int32_data());
    case DataType::UInt8:
      return read(std::uint8_t{}, proto.int32_data());
    case DataType::Bool: {
      // vector<bool> has no contiguous bytes.
      std::vector<std::uint8_t> truths;
      for (const auto element : proto.int32_data()) truths.push_back(element != 0 ? 1 : 0);
      return from_field<std::uint8_t>(type, std::move(shape), truths, what, place);
    }
  }
  throw InternalError("import", "unknown element type");
}

std::vector<std::int64_t> read_shape(const TensorProto& proto,
                                     const std::string& what,
                                     const ModelPlace& place) {
  constexpr int kMaxRank = 64;  // of LibTorch
  if (proto.dims_size() > kMaxRank) {
    throw ImportError(
        place.name,
        fmt::format("{} has {} axes, and the limit is {}", what, proto.dims_size(), kMaxRank));
  }
  std::vector<std::int64_t> shape(proto.dims().begin(), proto.dims().end());
  try {
    (void)element_count(shape);
  } catch (const ShapeError&) {
    throw ImportError(place.name,
                      fmt::format("{} has the invalid shape {}", what, shape_text(shape)));
  }
  return shape;
}

/// Bytes of a bool tensor may have any value; a C++ bool may only be 0 or 1.
void normalize_bools(Tensor& tensor) {
  if (tensor.type() != DataType::Bool) return;
  for (std::byte& byte : tensor.mutable_bytes()) {
    byte = byte != std::byte{0} ? std::byte{1} : std::byte{0};
  }
}

/// Several elements per byte, as raw bytes or as one byte in each int32.
std::string narrow_bytes(const TensorProto& proto,
                         std::size_t needed,
                         const std::string& what,
                         const ModelPlace& place) {
  if (proto.data_location() == TensorProto::EXTERNAL) {
    const auto bytes = read_external_data(proto, needed, what, place);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  if (proto.has_raw_data() && !proto.raw_data().empty()) return proto.raw_data();
  return {proto.int32_data().begin(), proto.int32_data().end()};
}

Tensor read_narrow(const TensorProto& proto,
                   const NarrowType& type,
                   std::vector<std::int64_t> shape,
                   const std::string& what,
                   const ModelPlace& place) {
  const auto count = static_cast<std::size_t>(element_count(shape));
  const auto bits = static_cast<unsigned>(type.bits);
  const std::size_t per_byte = 8 / bits;
  const std::size_t needed = count / per_byte + (count % per_byte != 0 ? 1 : 0);
  const std::string bytes = narrow_bytes(proto, needed, what, place);
  if (bytes.size() != needed) {
    fail_count(per_byte * bytes.size(), shape, static_cast<std::int64_t>(count), what, place);
  }
  const unsigned mask = (1U << bits) - 1U;
  std::vector<std::uint8_t> elements(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i / per_byte]);
    const unsigned own = (byte >> (bits * (i % per_byte))) & mask;
    const bool negative = type.is_signed && own > mask / 2;
    elements[i] = static_cast<std::uint8_t>(negative ? own | ~mask : own);
  }
  return Tensor::from_bytes(type.is_signed ? DataType::Int8 : DataType::UInt8,
                            std::move(shape),
                            std::as_bytes(std::span(elements)));
}

Tensor read_elements(const TensorProto& proto,
                     DataType type,
                     std::vector<std::int64_t> shape,
                     const std::string& what,
                     const ModelPlace& place) {
  const std::int64_t count = element_count(shape);
  std::int64_t needed = 0;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(size_of(type)), &needed)) {
    fail_count(0, shape, count, what, place);
  }
  if (proto.data_location() == TensorProto::EXTERNAL) {
    const auto bytes = read_external_data(proto, static_cast<std::size_t>(needed), what, place);
    return Tensor::from_bytes(type, std::move(shape), bytes);
  }
  const std::string& raw = proto.raw_data();
  if (!proto.has_raw_data() || (raw.empty() && count > 0)) {
    return from_typed_field(proto, type, std::move(shape), what, place);
  }
  if (raw.size() != static_cast<std::size_t>(needed)) {
    fail_count(raw.size() / size_of(type), shape, count, what, place);
  }
  return Tensor::from_bytes(type, std::move(shape), std::as_bytes(std::span(raw)));
}

}  // namespace

std::optional<DataType> data_type_from_onnx(int onnx_type) {
  for (const TypeRow& row : kTypes) {
    if (row.onnx == onnx_type) return row.type;
  }
  return std::nullopt;
}

int data_type_to_onnx(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row.onnx;
  }
  throw InternalError("export", "an element type without an ONNX number");
}

std::string onnx_type_name(int onnx_type) {
  if (const auto known = data_type_from_onnx(onnx_type)) return std::string(name_of(*known));
  for (const ForeignType& row : kForeignTypes) {
    if (row.onnx == onnx_type) return std::string(row.name);
  }
  return fmt::format("type {}", onnx_type);
}

DataType widened(DataType type) {
  const bool other =
      type == DataType::Float16 || type == DataType::BFloat16 || type == DataType::Float64;
  return other ? DataType::Float32 : type;
}

Tensor widened(const Tensor& tensor) { return tensor.converted_to(widened(tensor.type())); }

int narrow_bits(int onnx_type) {
  const NarrowType* type = narrow_type(onnx_type);
  return type == nullptr ? 0 : type->bits;
}

Tensor read_tensor(const TensorProto& proto, const std::string& what, const ModelPlace& place) {
  const auto type = data_type_from_onnx(proto.data_type());
  const NarrowType* narrow = narrow_type(proto.data_type());
  if (!type && narrow == nullptr) {
    throw ImportError(place.name,
                      fmt::format("{} has elements of {}, which ompq does not support",
                                  what,
                                  onnx_type_name(proto.data_type())));
  }
  if (proto.has_segment()) {
    throw ImportError(place.name,
                      fmt::format("{} is stored in segments; save it as one tensor", what));
  }
  std::vector<std::int64_t> shape = read_shape(proto, what, place);
  if (narrow != nullptr) return read_narrow(proto, *narrow, std::move(shape), what, place);
  Tensor tensor = read_elements(proto, *type, std::move(shape), what, place);
  normalize_bools(tensor);
  return widened(tensor);
}

TensorProto write_tensor(const Tensor& tensor, const std::string& name) {
  TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(data_type_to_onnx(tensor.type()));
  for (const std::int64_t extent : tensor.shape()) proto.add_dims(extent);
  if (tensor.type() == DataType::Int64) {
    // Shapes and axes: one varint byte each instead of eight, if none is negative.
    const auto elements = tensor.data<std::int64_t>();
    const bool small = std::all_of(elements.begin(), elements.end(), [](std::int64_t element) {
      return element >= 0 && element < (std::int64_t{1} << 49);
    });
    if (small && !elements.empty()) {
      proto.mutable_int64_data()->Add(elements.begin(), elements.end());
      return proto;
    }
  }
  const auto bytes = tensor.bytes();
  proto.set_raw_data(bytes.data(), bytes.size());
  return proto;
}

TensorProto write_narrow_tensor(const Tensor& tensor, const std::string& name, int bits) {
  const bool is_signed = tensor.type() == DataType::Int8;
  if (!is_signed && tensor.type() != DataType::UInt8) {
    throw InternalError("export", fmt::format("'{}' has no codes of {} bits", name, bits));
  }
  const auto row = std::ranges::find_if(kNarrowTypes, [&](const NarrowType& type) {
    return type.bits == bits && type.is_signed == is_signed;
  });
  if (row == kNarrowTypes.end()) {
    throw InternalError("export", fmt::format("no integer type has {} bits", bits));
  }
  const int low = is_signed ? -(1 << (bits - 1)) : 0;
  const int high = low + (1 << bits) - 1;
  const std::size_t per_byte = 8U / static_cast<unsigned>(bits);
  const std::vector<std::int64_t> elements = tensor.to_int64s();
  std::string packed((elements.size() + per_byte - 1) / per_byte, '\0');
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i] < low || elements[i] > high) {
      throw InternalError(
          "export",
          fmt::format(
              "'{}' has the element {}, which does not fit {} bits", name, elements[i], bits));
    }
    const auto own =
        static_cast<unsigned>(elements[i]) & ((1U << static_cast<unsigned>(bits)) - 1U);
    const auto byte = static_cast<unsigned char>(packed[i / per_byte]);
    const auto shift = static_cast<unsigned>(bits) * (i % per_byte);
    packed[i / per_byte] = static_cast<char>(byte | (own << shift));
  }
  TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(row->onnx);
  for (const std::int64_t extent : tensor.shape()) proto.add_dims(extent);
  proto.set_raw_data(std::move(packed));
  return proto;
}

}  // namespace ompq::onnx_io

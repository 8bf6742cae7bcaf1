#include "arrays.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace py = pybind11;

namespace ompq::python {
namespace {

/// The type with this kind ('f', 'i', 'u', 'b') and size in bytes.
std::optional<DataType> type_of(char kind, std::size_t bytes) {
  for (const DataType type : {DataType::Float16,
                              DataType::Float32,
                              DataType::Float64,
                              DataType::Int8,
                              DataType::Int16,
                              DataType::Int32,
                              DataType::Int64,
                              DataType::UInt8,
                              DataType::UInt16,
                              DataType::UInt32,
                              DataType::UInt64,
                              DataType::Bool}) {
    // Their names begin with NumPy's kind letters.
    if (name_of(type).front() == kind && size_of(type) == bytes) return type;
  }
  return std::nullopt;
}

Tensor to_tensor(const std::string& name, const py::array& array) {
  const auto type = type_of(array.dtype().kind(), static_cast<std::size_t>(array.itemsize()));
  if (!type) {
    throw DataError(fmt::format("array {}", name),
                    fmt::format("elements of type {} cannot be samples; give uint8 pixels, or "
                                "float32 or integers as the network reads them",
                                py::str(array.dtype()).cast<std::string>()));
  }
  const std::vector<std::int64_t> shape(array.shape(), array.shape() + array.ndim());
  return Tensor::from_bytes(
      *type,
      shape,
      {static_cast<const std::byte*>(array.data()), static_cast<std::size_t>(array.nbytes())});
}

}  // namespace

data::NamedArrays to_named_arrays(const std::map<std::string, py::array>& arrays) {
  data::NamedArrays tensors;
  for (const auto& [name, array] : arrays) tensors.emplace(name, to_tensor(name, array));
  return tensors;
}

}  // namespace ompq::python

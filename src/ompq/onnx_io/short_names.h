#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace ompq::onnx_io {

/// Names of equal, minimal length. In a small network names are several percent of the file:
/// protobuf stores a value's name at its producer and at every reader.
class ShortNames {
 public:
  /// @param taken  names that must not be used.
  /// @param count  maximum number of names.
  ShortNames(std::set<std::string> taken, std::size_t count);

  [[nodiscard]] std::string fresh();

 private:
  std::set<std::string> taken_;
  std::size_t length_ = 1;
  std::uint64_t next_ = 0;
};

}  // namespace ompq::onnx_io

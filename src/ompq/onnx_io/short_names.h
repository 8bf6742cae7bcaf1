#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace ompq::onnx_io {

/// Names of one length, as few letters as they may have. In a small network names are several
/// percent of the file: protobuf writes a value's name at its maker and at every reader.
class ShortNames {
 public:
  /// @param taken names that must not be handed out.
  /// @param count how many will be asked for at most.
  ShortNames(std::set<std::string> taken, std::size_t count);

  [[nodiscard]] std::string fresh();

 private:
  std::set<std::string> taken_;
  std::size_t length_ = 1;
  std::uint64_t next_ = 0;
};

}  // namespace ompq::onnx_io

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "ompq/array.h"

namespace ompq {

/// Samples: a file or folder as --data takes it, or arrays in memory. Empty by default.
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

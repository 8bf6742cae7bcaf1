#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ompq/core/error.h"
#include "ompq/data/dataset.h"

/// What the tests of data sets share.
namespace ompq::data::testing {

inline const std::vector<InputSpec> kRgb{{"input", {3, 2, 2}}};
inline const std::vector<InputSpec> kGray{{"input", {1, 2, 2}}};
/// Pixels as they are.
inline const DatasetOptions kRawOptions{.preprocess = {.scale = 1}};

/// The first value of every sample of the first input.
inline std::vector<float> first_values(const Batch& batch) {
  std::vector<float> firsts;
  const std::vector<float> values = batch.inputs.at(0).to_floats();
  for (std::int64_t i = 0; i < batch.size; ++i) {
    firsts.push_back(
        values[static_cast<std::size_t>(i) * values.size() / static_cast<std::size_t>(batch.size)]);
  }
  return firsts;
}

template <typename Action>
std::string thrown_text(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline std::string open_error(const std::filesystem::path& source,
                              const std::vector<InputSpec>& inputs = kGray,
                              const DatasetOptions& options = kRawOptions) {
  return thrown_text([&] { (void)open_dataset(source, inputs, options); });
}

}  // namespace ompq::data::testing

#include "ompq/data/labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/display_text.h"

namespace ompq::data {
namespace {

constexpr double kMost = std::numeric_limits<std::int32_t>::max();

bool is_index(double value) { return value >= 0 && value <= kMost && value == std::floor(value); }

/// The index of the only 1 among zeros.
std::optional<std::int32_t> place_of_one(std::span<const double> row) {
  std::optional<std::int32_t> place;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == 0) continue;
    if (row[i] != 1 || place) return std::nullopt;
    place = static_cast<std::int32_t>(i);
  }
  return place;
}

/// A part of the array as float64. The whole array would take eight times its memory.
std::vector<double> part_of_array(const Tensor& array, std::size_t first, std::size_t count) {
  const std::size_t size = size_of(array.type());
  const Tensor part = Tensor::from_bytes(array.type(),
                                         {static_cast<std::int64_t>(count)},
                                         array.bytes().subspan(first * size, count * size));
  const Tensor wide = part.converted_to(DataType::Float64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

Labels from_one_hot(const Tensor& array, std::int64_t samples, const std::string& what) {
  const auto classes = static_cast<std::size_t>(array.elements() / samples);
  Labels labels;
  for (std::size_t i = 0; i < static_cast<std::size_t>(samples); ++i) {
    const auto place = place_of_one(part_of_array(array, i * classes, classes));
    if (!place) {
      return {.fault = fmt::format("{}, and row {} is not one-hot, a single 1 among zeros",  //
                                   what,
                                   i)};
    }
    labels.values.push_back(*place);
  }
  return labels;
}

Labels from_indices(const Tensor& array, const std::string& what) {
  constexpr std::size_t kPart = 1 << 16;
  const auto count = static_cast<std::size_t>(array.elements());
  Labels labels;
  for (std::size_t first = 0; first < count; first += kPart) {
    for (const double value : part_of_array(array, first, std::min(kPart, count - first))) {
      if (!is_index(value)) {
        return {.fault =
                    fmt::format("{}, and the label of sample {} is {}, not a whole number in 0..{}",
                                what,
                                labels.values.size(),
                                value,
                                std::numeric_limits<std::int32_t>::max()),
                .bad_number = true};
      }
      labels.values.push_back(static_cast<std::int32_t>(value));
    }
  }
  return labels;
}

}  // namespace

Labels labels_of(const Tensor& array, std::int64_t samples, const std::string& name) {
  const auto& shape = array.shape();
  const std::string what =
      fmt::format("{} is {} {}", name, name_of(array.type()), shape_text(shape));
  if (array.rank() == 0 || shape[0] != samples || samples == 0) {
    return {.fault =
                fmt::format("{}, which is no label for each of the {} samples", what, samples)};
  }
  if (array.elements() == samples) return from_indices(array, what);
  if (array.elements() == samples * shape[1] && shape[1] > 1) {
    return from_one_hot(array, samples, what);
  }
  return {.fault = fmt::format("{}, more than one class for each sample", what)};
}

Labels labels_of(std::span<const std::string> texts,
                 std::int64_t samples,
                 const std::string& name) {
  if (static_cast<std::int64_t>(texts.size()) != samples) {
    return {.fault = fmt::format("{} holds {} texts for {} samples", name, texts.size(), samples)};
  }
  Labels labels;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto value = label_of(texts[i]);
    if (!value && is_number(texts[i])) {
      return {.fault = fmt::format("{} gives sample {} the label {}, not a whole number in 0..{}",
                                   name,
                                   i,
                                   display_name(texts[i]),
                                   std::numeric_limits<std::int32_t>::max()),
              .bad_number = true};
    }
    if (!value) {
      return {.fault = fmt::format(
                  "{} holds text (\"{}\"), which does not identify an output of the network",
                  name,
                  display_name(texts[i]))};
    }
    labels.values.push_back(*value);
  }
  return labels;
}

std::optional<std::int32_t> label_of(std::string_view text) {
  std::int32_t value = -1;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0) return std::nullopt;
  return value;
}

bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ptr == end && parsed.ec != std::errc::invalid_argument;
}

}  // namespace ompq::data

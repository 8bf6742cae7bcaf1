#include "ompq/data/array_input.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::data {
namespace {

using Extents = std::vector<std::int64_t>;
using Order = RowLayout::Order;

class ArrayInput final : public InputSource {
 public:
  ArrayInput(Tensor array, RowLayout layout, const InputSpec& spec, std::string name, bool repeated)
      : array_(std::move(array)),
        layout_(std::move(layout)),
        type_(spec.type),
        place_(fmt::format("input \"{}\"", spec.name)),
        name_(std::move(name)),
        repeated_(repeated) {}
  [[nodiscard]] DataType type() const override { return type_; }
  [[nodiscard]] const std::vector<std::int64_t>& extents() const override {
    return layout_.extents;
  }
  void read(std::int64_t index, std::span<std::byte> out) const override {
    if (array_.type() == type_) {
      write_row(index, out);
      return;
    }
    Tensor row(array_.type(), layout_.extents);
    write_row(index, row.mutable_bytes());
    const Tensor kept = kept_in(row, type_, place_, fmt::format("{}, sample {}", name_, index));
    std::copy(kept.bytes().begin(), kept.bytes().end(), out.begin());
  }

 private:
  static Tensor kept_in(const Tensor& row,
                        DataType type,
                        const std::string& place,
                        const std::string& where) {
    try {
      return data::kept_in(row, type, place);
    } catch (const DataError& error) {
      throw DataError(where, error.reason());
    }
  }

  /// Rearranges a row's elements into the network's order.
  void write_row(std::int64_t index, std::span<std::byte> out) const {
    const std::size_t at = repeated_ ? 0 : static_cast<std::size_t>(index);
    const auto row = array_.bytes().subspan(at * out.size(), out.size());
    if (layout_.order == Order::Unchanged) {
      std::copy(row.begin(), row.end(), out.begin());
      return;
    }
    // A row of [h, w, c] is a matrix of h*w rows and c columns, and [c, h, w] its transpose.
    const Extents& extents = layout_.extents;
    const bool to_first = layout_.order == Order::ChannelsFirst;
    const auto rows = static_cast<std::size_t>(to_first ? extents[1] * extents[2] : extents[2]);
    const std::size_t bytes = size_of(array_.type());
    const std::size_t cols = row.size() / bytes / rows;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        std::memcpy(&out[(c * rows + r) * bytes], &row[(r * cols + c) * bytes], bytes);
      }
    }
  }

  Tensor array_;
  RowLayout layout_;
  DataType type_;
  std::string place_;
  std::string name_;
  bool repeated_;
};

bool fits(std::span<const std::int64_t> extents, std::span<const std::int64_t> wanted) {
  return std::equal(
      extents.begin(), extents.end(), wanted.begin(), wanted.end(), [](auto got, auto want) {
        return want < 1 || got == want;
      });
}

Extents without_ones(std::span<const std::int64_t> extents) {
  Extents rest;
  for (const std::int64_t extent : extents) {
    if (extent != 1) rest.push_back(extent);
  }
  return rest;
}

/// Axes of length 1 do not affect the order of elements.
std::optional<Extents> with_other_ones(std::span<const std::int64_t> row,
                                       std::span<const std::int64_t> wanted) {
  const Extents given = without_ones(row);
  if (!fits(given, without_ones(wanted))) return std::nullopt;
  Extents result(wanted.begin(), wanted.end());
  std::size_t at = 0;
  for (std::int64_t& extent : result) {
    if (extent != 1) extent = given[at++];
  }
  return result;
}

/// Converting a number outside the range of int64 to an integer is undefined behaviour.
bool is_int64(double value) { return value >= -0x1p63 && value < 0x1p63; }

}  // namespace

bool is_floating(DataType type) {
  return type == DataType::Float32 || type == DataType::Float64 || type == DataType::Float16 ||
         type == DataType::BFloat16;
}

std::optional<RowLayout> row_layout(std::span<const std::int64_t> row,
                                    std::span<const std::int64_t> wanted) {
  const Extents plain(row.begin(), row.end());
  if (fits(plain, wanted)) return RowLayout{Order::Unchanged, plain};
  if (plain.size() == 3) {
    const Extents first{plain[2], plain[0], plain[1]};
    const Extents last{plain[1], plain[2], plain[0]};
    if (fits(first, wanted)) return RowLayout{Order::ChannelsFirst, first};
    if (fits(last, wanted)) return RowLayout{Order::ChannelsLast, last};
  }
  if (auto extents = with_other_ones(row, wanted)) {
    return RowLayout{Order::Unchanged, std::move(*extents)};
  }
  return std::nullopt;
}

Tensor kept_in(const Tensor& numbers, DataType type, const std::string& place) {
  if (is_floating(type) || type == numbers.type()) return numbers.converted_to(type);
  const Tensor wide = numbers.converted_to(DataType::Float64);
  const auto values = wide.data<double>();
  const auto refuse = [&](double value) {
    throw DataError("data",
                    fmt::format("{} takes {}, which cannot hold {}", place, name_of(type), value));
  };
  const auto odd = std::find_if_not(values.begin(), values.end(), is_int64);
  if (odd != values.end() && is_floating(numbers.type())) refuse(*odd);
  Tensor result = numbers.converted_to(type);
  const Tensor again = result.converted_to(DataType::Float64);
  const auto kept = again.data<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != kept[i]) refuse(values[i]);
  }
  return result;
}

std::unique_ptr<InputSource> array_input(Tensor array,
                                         const InputSpec& spec,
                                         const std::string& name,
                                         bool repeated) {
  const std::span<const std::int64_t> shape(array.shape());
  const auto row = shape.subspan(std::min<std::size_t>(1, shape.size()));
  auto layout = row_layout(row, spec.extents);
  if (!layout) {
    throw DataError(name,
                    fmt::format("the samples have shape {}, but input \"{}\" of the network takes "
                                "{}; bring them to that shape",
                                shape_text(row),
                                spec.name,
                                extents_text(spec.extents)));
  }
  return std::make_unique<ArrayInput>(std::move(array), std::move(*layout), spec, name, repeated);
}

}  // namespace ompq::data

#include "ompq/tables/display_width.h"

#include <algorithm>
#include <array>
#include <span>

#include "ompq/core/display_text.h"

namespace ompq::tables {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15 blocks that occur in names of layers, files and classes (UAX #11 and the general
// categories Mn, Me, Cf); approximate within a block.
constexpr std::array<Range, 8> kZeroWidth{{{0x0300, 0x036F},
                                           {0x0483, 0x0489},
                                           {0x0591, 0x05BD},
                                           {0x0610, 0x061A},
                                           {0x064B, 0x065F},
                                           {0x200B, 0x200F},
                                           {0x20D0, 0x20FF},
                                           {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 9> kDoubleWidth{{{0x1100, 0x115F},
                                             {0x2E80, 0x303E},
                                             {0x3041, 0xA4CF},
                                             {0xAC00, 0xD7A3},
                                             {0xF900, 0xFAFF},
                                             {0xFE30, 0xFE6F},
                                             {0xFF00, 0xFF60},
                                             {0x1F300, 0x1FAFF},
                                             {0x20000, 0x3FFFD}}};

bool is_in(char32_t value, std::span<const Range> ranges) {
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return value >= range.first && value <= range.last; });
}

std::size_t width_of(char32_t value) {
  if (is_in(value, kZeroWidth)) return 0;
  return is_in(value, kDoubleWidth) ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    columns += width_of(point.value);
    text.remove_prefix(point.bytes);
  }
  return columns;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string kept;
  std::size_t used = 1;  // the ellipsis
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    used += width_of(point.value);
    if (used > columns) break;
    kept += text.substr(0, point.bytes);
    text.remove_prefix(point.bytes);
  }
  return columns == 0 ? "" : kept + "…";
}

}  // namespace ompq::tables

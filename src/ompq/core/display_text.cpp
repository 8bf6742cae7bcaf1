#include "ompq/core/display_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace ompq {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// Unicode's general categories Cc, Zl, Zp, and invisible characters of Cf and Lo.
constexpr std::array<CodePointRange, 18> kControls{{{0x0000, 0x001F},
                                                    {0x007F, 0x009F},
                                                    {0x00AD, 0x00AD},
                                                    {0x034F, 0x034F},
                                                    {0x061C, 0x061C},
                                                    {0x115F, 0x1160},
                                                    {0x17B4, 0x17B5},
                                                    {0x180E, 0x180E},
                                                    {0x200B, 0x200F},
                                                    {0x2028, 0x202E},
                                                    {0x2060, 0x206F},
                                                    {0x3164, 0x3164},
                                                    {0xFEFF, 0xFEFF},
                                                    {0xFFA0, 0xFFA0},
                                                    {0xFFF9, 0xFFFB},
                                                    {0x1BCA0, 0x1BCA3},
                                                    {0x1D173, 0x1D17A},
                                                    {0xE0000, 0xE007F}}};

constexpr std::size_t kLongestWord = 256;  // characters
constexpr std::size_t kShownWord = 200;
constexpr std::size_t kShownLine = 400;
constexpr std::size_t kMostLines = 20;

std::string escape_of(CodePoint point) {
  if (!point.valid) return fmt::format("\\x{:02x}", static_cast<std::uint32_t>(point.value));
  switch (point.value) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto value = static_cast<std::uint32_t>(point.value);
  if (value < 0x80) return fmt::format("\\x{:02x}", value);
  return value > 0xFFFF ? fmt::format("\\U{:08x}", value) : fmt::format("\\u{:04x}", value);
}

void append_safe(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.valid && !is_control(point.value)) {
      out += text.substr(0, point.bytes);
    } else {
      out += escape_of(point);
    }
    text.remove_prefix(point.bytes);
  }
}

std::size_t count_of_characters(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(first_code_point(text).bytes);
    ++count;
  }
  return count;
}

/// Bytes of the first `count` characters.
std::size_t bytes_of_characters(std::string_view text, std::size_t count) {
  std::size_t bytes = 0;
  for (; count > 0 && bytes < text.size(); --count) {
    bytes += first_code_point(text.substr(bytes)).bytes;
  }
  return bytes;
}

/// Escaped, with at most about `most` characters of `text`.
std::string shortened(std::string_view text, std::size_t most) {
  std::string shown;
  const std::size_t count = count_of_characters(text);
  if (count <= most) {
    append_safe(shown, text);
    return shown;
  }
  const std::size_t tail = most / 3;
  append_safe(shown, text.substr(0, bytes_of_characters(text, most - tail)));
  shown += fmt::format("...[{} characters]...", count);
  append_safe(shown, text.substr(bytes_of_characters(text, count - tail)));
  return shown;
}

/// Escaped, with long words shortened.
std::string with_short_words(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (word.size() > kLongestWord && count_of_characters(word) > kLongestWord) {
      shown += shortened(word, kShownWord);
    } else {
      append_safe(shown, word);
    }
    if (end < text.size()) shown += ' ';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

/// The most bytes of which none is the start of a truncated code point.
std::size_t whole_code_points(std::string_view text, std::size_t bytes) {
  while (bytes > 0 && bytes < text.size() &&
         (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) {
    --bytes;
  }
  return bytes;
}

/// Valid UTF-8 of at most `most` bytes, without its middle if it is longer.
std::string cut_to_bytes(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  const std::string mark = fmt::format(" ...[{} bytes]... ", text.size());
  const std::size_t room = most > mark.size() ? most - mark.size() : 0;
  const std::size_t tail = room / 3;
  const std::size_t head = whole_code_points(text, room - tail);
  std::size_t begin = text.size() - tail;
  while (begin < text.size() && whole_code_points(text, begin) != begin) ++begin;
  return text.substr(0, head) + mark + text.substr(begin);
}

std::uint32_t continuation(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) & 0x3FU;
}

/// True if bytes 1.. of the sequence are continuation bytes.
bool continues(std::string_view text, std::size_t bytes) {
  if (bytes > text.size()) return false;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) return false;
  }
  return true;
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const CodePoint invalid{lead, 1, false};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (bytes == 0 || lead > 0xF4 || !continues(text, bytes)) return invalid;
  std::uint32_t value = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6) | continuation(text, i);
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[bytes] || value > 0x10FFFF || surrogate) return invalid;
  return {static_cast<char32_t>(value), bytes};
}

bool is_control(char32_t value) {
  if (value >= 0x20 && value < 0x7F) return false;
  return std::ranges::any_of(kControls, [&](const CodePointRange& range) {
    return value >= range.first && value <= range.last;
  });
}

std::string display_text(std::string_view text) {
  std::string shown;
  append_safe(shown, text);
  return shown;
}

std::string display_name(std::string_view text, std::size_t most) { return shortened(text, most); }

std::vector<std::string> display_names(const std::vector<std::string>& texts) {
  std::vector<std::string> shown;
  shown.reserve(texts.size());
  for (const std::string& text : texts) shown.push_back(display_name(text));
  return shown;
}

std::string display_lines(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    append_safe(shown, text.substr(0, end));
    if (end < text.size()) shown += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

std::string display_message(std::string_view text, std::size_t most) {
  return cut_to_bytes(with_short_words(text), most);
}

std::string display_message(const std::vector<std::string>& lines, std::size_t most) {
  if (lines.empty()) return {};
  if (lines.size() == 1) return display_message(std::string_view(lines.front()), most);
  const bool closed = lines.size() > 2 && !lines.back().starts_with(' ');
  const std::string closing =
      closed ? "\n" + display_message(std::string_view(lines.back()), kShownLine) : std::string();
  const std::size_t end = lines.size() - (closed ? 1 : 0);
  constexpr std::size_t kReserved = 40;  // for the line with the number of the others
  std::string shown = display_message(std::string_view(lines.front()), kShownLine);
  for (std::size_t l = 1; l < end; ++l) {
    const std::string line = display_message(std::string_view(lines[l]), kShownLine);
    // The last line may be the number of the others, if the message was shown before.
    const bool last = l + 1 == end;
    const std::size_t size = shown.size() + 1 + line.size() + closing.size();
    const bool fits = size + (last ? 0 : kReserved) <= most;
    if (!fits || (l > kMostLines && !last)) {
      shown += fmt::format("\n  and {} more", end - l);
      break;
    }
    shown += "\n" + line;
  }
  return shown + closing;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string display_json(std::string json) {
  const bool plain = std::ranges::all_of(json, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x7F;
  });
  if (plain) return json;
  std::string shown;
  shown.reserve(json.size());
  std::string_view rest = json;
  while (!rest.empty()) {
    const CodePoint point = first_code_point(rest);
    const auto value = static_cast<std::uint32_t>(point.value);
    if (!point.valid) {
      shown += "\\ufffd";
    } else if (value < 0x7F || !is_control(point.value)) {
      shown += rest.substr(0, point.bytes);
    } else if (value <= 0xFFFF) {
      shown += fmt::format("\\u{:04x}", value);
    } else {
      const std::uint32_t offset = value - 0x10000;
      shown +=
          fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
    }
    rest.remove_prefix(point.bytes);
  }
  return shown;
}

}  // namespace ompq

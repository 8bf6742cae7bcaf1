#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The only place where text from files (names of nodes, layers, arrays and files, keys, values,
/// fields) is made safe to show. Escaping is idempotent: text that was escaped before is unchanged.
namespace ompq {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
  bool valid = true;  ///< false: one byte that is not UTF-8
};

/// The first code point of UTF-8 `text`, which must not be empty.
[[nodiscard]] CodePoint first_code_point(std::string_view text);

/// True for code points that change how a terminal or a page shows the text around them, or that
/// are invisible: control characters (C0, DEL, C1), line separators, zero-width characters,
/// bidirectional marks, tags.
[[nodiscard]] bool is_control(char32_t value);

/// `text` on one line: control characters and invalid bytes are escaped as \n, \x1b, \u202e.
[[nodiscard]] std::string display_text(std::string_view text);

/// Characters of a name in a message or table.
inline constexpr std::size_t kShownName = 120;

/// A name on one line; its middle is replaced by its length if it has more than `most` characters:
/// "abc...[1000 characters]...xyz".
[[nodiscard]] std::string display_name(std::string_view text, std::size_t most = kShownName);

/// The same for every text of a list.
[[nodiscard]] std::vector<std::string> display_names(const std::vector<std::string>& texts);

/// Text of several lines, such as a table, whose parts were made safe one by one: everything but
/// its newlines is escaped, nothing is shortened.
[[nodiscard]] std::string display_lines(std::string_view text);

/// Bytes of a whole message, at most.
inline constexpr std::size_t kMostMessage = 1800;

/// A message of one line, escaped and shortened: words of more than 256 characters, then the
/// middle, to `most` bytes.
[[nodiscard]] std::string display_message(std::string_view text, std::size_t most = kMostMessage);

/// A message of several lines, each escaped and shortened. Of too many lines, the first ones are
/// shown, the number of the others, and a last line that is not indented (the way out).
[[nodiscard]] std::string display_message(const std::vector<std::string>& lines,
                                          std::size_t most = kMostMessage);

/// The lines of a message that was shown before, to pass it on with another place.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

/// JSON text with control characters outside of ASCII, and DEL, as \uXXXX: the same document,
/// but safe to show.
[[nodiscard]] std::string display_json(std::string json);

}  // namespace ompq

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ompq::testing {

/// A line of a file of the tree, for messages that an editor can follow.
struct Line {
  std::string file;  ///< relative to the checkout's root
  int number = 0;
  std::string text;
};

/// "src/ompq/core/error.h:12: text".
[[nodiscard]] std::string place(const Line& line);

/// Every text file below `folder` of the checkout (everything for ""), without what is built,
/// installed or kept by version control; sorted, relative to the checkout's root.
[[nodiscard]] std::vector<std::string> text_files(const std::string& folder);
/// The lines of a file of the checkout.
[[nodiscard]] std::vector<Line> lines_of(const std::string& file);

/// What comes after #include in `line`, with its quotes or brackets; "" where it is none.
[[nodiscard]] std::string included(const Line& line);
/// The room of "ompq/ROOM/file.h" or "src/ompq/ROOM/file.h"; "" for anything else.
[[nodiscard]] std::string room_of(std::string_view path);

}  // namespace ompq::testing

#pragma once

#include <string_view>

namespace ompq::report {

/// What stands in the page where the documents go.
inline constexpr std::string_view kDataMark = "@data@";

/// The page that web/ is bundled into, with kDataMark; empty in a build without npm.
[[nodiscard]] std::string_view page_template();

}  // namespace ompq::report

#pragma once

#include <string_view>

namespace ompq::report {

/// The placeholder for the documents in the page.
inline constexpr std::string_view kDataMark = "@data@";

/// The bundled page of web/, with kDataMark; empty in a build without npm.
[[nodiscard]] std::string_view page_template();

}  // namespace ompq::report

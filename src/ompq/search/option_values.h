#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// Conversion of option values: from the strings and numbers of the command line to the types of the
// search.
namespace ompq::search {

/// Widths by layer name; "" means all layers.
using WidthsByName = std::map<std::string, std::vector<std::int64_t>>;

/// --candidates of all layers.
[[nodiscard]] std::vector<int> common_widths(const WidthsByName& candidates);
/// --candidates of some layers.
[[nodiscard]] std::map<std::string, std::vector<int>> named_widths(const WidthsByName& candidates);
/// --pin. @throws ConfigError for a layer with several widths.
[[nodiscard]] std::map<std::string, int> pinned_widths(const WidthsByName& pins);
/// --act-bits: the candidate widths of activations, ascending; none for "float".
/// @throws ConfigError for float among widths.
[[nodiscard]] std::vector<int> activation_candidates_of(const std::vector<std::string>& texts);
/// --beside: "none" means no allocator.
[[nodiscard]] std::vector<std::string> shown_allocators(const std::vector<std::string>& names);
/// --allocators, without duplicates: "all" means every allocator except random, which is the
/// baseline.
[[nodiscard]] std::vector<std::string> compared_allocators(const std::vector<std::string>& names);

}  // namespace ompq::search

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// What the values of options become: from the texts and numbers of the command line to what the
// search works with.
namespace ompq::search {

/// Widths by the name of a layer; "" stands for all layers.
using WidthsByName = std::map<std::string, std::vector<std::int64_t>>;

/// --candidates of all layers.
[[nodiscard]] std::vector<int> common_widths(const WidthsByName& candidates);
/// --candidates of some layers.
[[nodiscard]] std::map<std::string, std::vector<int>> named_widths(const WidthsByName& candidates);
/// --pin. @throws ConfigError for a layer with several widths.
[[nodiscard]] std::map<std::string, int> pinned_widths(const WidthsByName& pins);
/// --act-bits: the widths that activations may get, ascending; none for "float".
/// @throws ConfigError for float among widths.
[[nodiscard]] std::vector<int> activation_widths(const std::vector<std::string>& texts);
/// --beside: "none" stands for no allocator.
[[nodiscard]] std::vector<std::string> shown_allocators(const std::vector<std::string>& names);
/// --allocators, each once: "all" stands for every allocator but random, which is no rival but the
/// measure of chance.
[[nodiscard]] std::vector<std::string> compared_allocators(const std::vector<std::string>& names);

}  // namespace ompq::search

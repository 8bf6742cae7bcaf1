#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

/// Names of the rows of tables that the command line cannot reach, since the program is linked to
/// no room that runs networks: those of allocators and metrics here, those of methods and formats
/// next to their options. tests/commands/names_test.cpp holds each list to its table.
namespace ompq::options {

/// Names joined as the choices of an option.
template <std::size_t Size>
struct JoinedNames {
  std::array<char, Size> text{};
  [[nodiscard]] constexpr operator std::string_view() const {  // NOLINT: it is a text
    return {text.data(), Size};
  }
};

/// "a|b" from "a" and "b".
template <std::size_t A, std::size_t B>
[[nodiscard]] constexpr auto joined(const char (&a)[A], const char (&b)[B]) {
  JoinedNames<A + B - 1> names;
  std::copy_n(a, A - 1, names.text.begin());
  names.text[A - 1] = '|';
  std::copy_n(b, B - 1, names.text.begin() + A);
  return names;
}

/// Rows of search::allocator_table().
inline constexpr char kAllocatorNames[] =
    "auto|output-mse|output-kl|pairwise|local-error|weight-mse|fisher|hessian|orm-error|orm|"
    "orm-ilp|projection|size-only|uniform|random";
inline constexpr auto kAllocatorNamesOrNone = joined(kAllocatorNames, "none");
inline constexpr auto kAllocatorNamesOrAll = joined("all", kAllocatorNames);

/// Rows of sensitivity::metrics().
inline constexpr char kMetricNames[] =
    "output-mse|output-kl|local-error|weight-mse|fisher|hessian|orm-error";

}  // namespace ompq::options

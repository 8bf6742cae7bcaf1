#include "ompq/fields/read.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include <fmt/format.h>

#include "ompq/core/display_text.h"
#include "ompq/core/error.h"

namespace ompq::fields {
namespace {

/// The start of a value, as an error message quotes it.
std::string quoted(const Json& found) {
  constexpr std::size_t kShown = 80;
  std::string text = found.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

/// Reads a text without building a document, and stops at the first fault. The recursive functions
/// of the library (dump, copies) may then be called on the document.
class TextCheck final : public nlohmann::json_sax<Json> {
 public:
  explicit TextCheck(std::size_t size) : size_(size) {}
  /// A clause, after parsing has failed.
  [[nodiscard]] const std::string& fault() const { return fault_; }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    fault_ = fmt::format("has the key \"{}\" twice in one object", display_name(name));
    return false;
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) override { return enter(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t byte,
                   const std::string& token,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOutOfRange = 406;
    fault_ = error.id == kNumberOutOfRange
                 ? fmt::format("has the number {} at byte {}, which is out of range",
                               display_name(token),
                               std::min(byte, size_))
                 : fmt::format("is not valid JSON at byte {} of {}", std::min(byte, size_), size_);
    return false;
  }

 private:
  bool enter() {
    if (++depth_ <= kMostNested) return true;
    fault_ = fmt::format("is nested deeper than {} levels", kMostNested);
    return false;
  }

  std::size_t size_;
  int depth_ = 0;
  std::vector<std::set<std::string>> keys_;  ///< of the open objects
  std::string fault_;
};

std::string subject(std::string_view path) {
  return path.empty() ? "the document" : fmt::format("\"{}\"", path);
}

}  // namespace

Json parse(std::string_view text, const Source& source) {
  TextCheck check(text.size());
  if (!Json::sax_parse(text, &check)) {
    throw DataError(source.place, fmt::format("{}; {}", check.fault(), source.remedy));
  }
  return Json::parse(text);
}

std::optional<Json> parse_if_valid(std::string_view text) {
  TextCheck check(text.size());
  if (!Json::sax_parse(text, &check)) return std::nullopt;
  return Json::parse(text);
}

void refuse(const Source& source,
            std::string_view path,
            const Json& found,
            std::string_view expected) {
  throw DataError(
      source.place,
      fmt::format(
          "{} is {}; it must be {}; {}", subject(path), quoted(found), expected, source.remedy));
}

void refuse_missing(const Source& source, std::string_view path) {
  throw DataError(source.place, fmt::format("{} is missing; {}", subject(path), source.remedy));
}

void require_range(const Source& source,
                   std::string_view path,
                   const Json& found,
                   const Marks& marks) {
  const double value = found.get<double>();
  if ((!marks.min || value >= *marks.min) && (!marks.max || value <= *marks.max)) return;
  std::string expected;
  if (marks.min && marks.max) {
    expected = fmt::format("in {}..{}", *marks.min, *marks.max);
  } else if (marks.min) {
    expected = fmt::format("at least {}", *marks.min);
  } else {
    expected = fmt::format("at most {}", *marks.max);
  }
  refuse(source, path, found, expected);
}

std::string path_of(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

}  // namespace ompq::fields

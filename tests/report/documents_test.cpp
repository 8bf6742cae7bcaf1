#include "ompq/report/documents.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/html.h"
#include "report/first_documents.h"

// The declared fields of results: that none is left out. json_test.cpp tests that documents come
// back.

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::Example;
using testing::examples_of;
using testing::first_documents;

/// Fits a member of any type.
struct Anything {
  template <typename T>
  constexpr operator T() const;  // NOLINT(google-explicit-constructor)
};

template <typename T, std::size_t... Index>
constexpr bool takes(std::index_sequence<Index...> /*members*/) {
  return requires { T{(void(Index), std::declval<Anything>())...}; };
}

/// How many members a struct has.
template <typename T, std::size_t Most = 40>
constexpr std::size_t member_count() {
  if constexpr (Most == 0 || takes<T>(std::make_index_sequence<Most>())) {
    return Most;
  } else {
    return member_count<T, Most - 1>();
  }
}

/// Checks that each member of each struct of a document is declared.
class MemberCheck {
 public:
  void type(std::string_view name, std::string_view /*doc*/) { names_.emplace_back(name); }
  template <typename T>
  void operator()(std::string_view /*name*/,
                  const T& value,
                  std::string_view /*doc*/,
                  const fields::Marks& /*marks*/ = {}) {
    count(value);
  }
  void matrix(std::string_view /*name*/,
              const std::vector<double>& values,
              std::size_t /*columns*/,
              std::string_view /*doc*/,
              const fields::Marks& /*marks*/ = {}) {
    count(values);
  }
  template <typename Function>
  void computed(std::string_view, const Function&, std::string_view, std::string_view = {}) {}
  template <typename T>
  void internal(const T& value) {
    count(value);
  }

  /// The struct and those that it holds.
  template <typename T>
  static void check() {
    if constexpr (fields::kIsOptional<T> || fields::kIsList<T>) {
      check<typename T::value_type>();
    } else if constexpr (!fields::kIsMap<T> && std::is_class_v<T> &&
                         !std::is_same_v<T, std::string> && std::is_aggregate_v<T>) {
      MemberCheck visitor;
      const T value{};
      list_fields(visitor, value);
      EXPECT_EQ(visitor.members(value), member_count<T>()) << visitor.names_.front();
    }
  }

 private:
  template <typename T>
  void count(const T& member) {
    places_.push_back(reinterpret_cast<const std::byte*>(&member));
    check<T>();
  }

  /// Members of `value` that were declared. A struct whose fields are listed as the outer one's own
  /// counts as one.
  template <typename T>
  std::size_t members(const T& value) const {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    std::vector<std::pair<std::size_t, std::size_t>> flat;
    if constexpr (requires { value.provenance; }) flat.push_back(part(begin, value.provenance));
    if constexpr (requires { value.search; }) flat.push_back(part(begin, value.search));
    if constexpr (requires { value.quantization.search; }) {
      flat.push_back(part(begin, value.quantization));
    }
    std::size_t count = flat.size();
    for (const std::byte* place : places_) {
      const auto at = static_cast<std::size_t>(place - begin);
      if (std::ranges::none_of(
              flat, [&](const auto& range) { return at >= range.first && at < range.second; })) {
        ++count;
      }
    }
    return count;
  }

  template <typename T>
  static std::pair<std::size_t, std::size_t> part(const std::byte* begin, const T& member) {
    const auto at = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&member) - begin);
    return {at, at + sizeof(T)};
  }

  std::vector<const std::byte*> places_;
  std::vector<std::string> names_;
};

TEST(Documents, DeclareEveryMemberOfTheirStructs) {
  for_each_document([]<typename Result>(const Format&) { MemberCheck::check<Result>(); });
  MemberCheck::check<Provenance>();
}

TEST(Documents, HaveNamesThatNoOtherFieldHad) {
  for (const fields::Struct& made : documents().schema.structs()) {
    for (const fields::Field& field : made.fields) {
      if (field.former_name.empty()) continue;
      EXPECT_EQ(std::ranges::count(made.fields, field.former_name, &fields::Field::name), 0)
          << made.name << "." << field.name;
    }
  }
}

TEST(EpochLog, OfVersion010IsRead) {
  const auto records = read_epoch_log(first_documents() / "epochs.jsonl");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].epoch, 2);
  EXPECT_EQ(to_json_line(records[0]) + "\n" + to_json_line(records[1]) + "\n",
            read_file(first_documents() / "epochs.jsonl"));
}

TEST(ReportPage, ShowsDocumentsOfVersion010InTheNamesOfThisOne) {
  if (!has_report_page()) GTEST_SKIP() << "needs npm when ompq is built";
  for (const DocumentKind& kind : documents().kinds) {
    if (kind.format.shown.empty()) continue;
    const Example example = examples_of(kind.format).front();
    const std::string page = report_page(std::vector<RunDocument>{{"a.json", example.text}});
    const std::string start = "id=\"ompq-data\">";
    const std::size_t from = page.find(start) + start.size();
    const Json data = Json::parse(page.substr(from, page.find("</script>", from) - from));
    const Json& content = data["documents"][0]["content"];
    EXPECT_EQ(data["documents"][0]["command"], kind.format.command);
    if (content.contains("layers")) {
      EXPECT_TRUE(content["layers"][0].contains("op_type")) << kind.format.command;
      EXPECT_FALSE(content["layers"][0].contains("operator")) << kind.format.command;
    }
    EXPECT_FALSE(content.contains("float")) << kind.format.command;
  }
}
}  // namespace
}  // namespace ompq::report

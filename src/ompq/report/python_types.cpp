#include "ompq/report/python_types.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "ompq/report/documents.h"

namespace ompq::report {
namespace {

constexpr std::string_view kHeader =
    R"("""What the functions return: the documents of `--json`, as dicts with attributes.

A field with the default None may be missing in the dict. Made by `ompq --print-docs python` from
the fields that the structs of src/ompq/report declare; `make docs` writes it again.
"""

from __future__ import annotations

from typing import Any, Optional

from ompq._record import Record, Result
)";

std::string python_type(const fields::Type& type) {
  using Kind = fields::Type::Kind;
  switch (type.kind) {
    case Kind::Flag:
      return "bool";
    case Kind::Whole:
      return "int";
    case Kind::Number:
      return "float";
    case Kind::Text:
      return "str";
    case Kind::Json:
      return "dict[str, Any]";
    case Kind::List:
      return fmt::format("list[{}]", python_type(type.item.front()));
    case Kind::Map:
      return fmt::format("dict[str, {}]", python_type(type.item.front()));
    case Kind::Object:
      break;
  }
  return type.object;
}

/// `doc` as a docstring of lines of at most 100 characters, indented by four; "" for "".
std::string docstring(std::string_view doc) {
  if (doc.empty()) return "";
  std::string sentence(doc);
  sentence.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
  if (sentence.back() != '.') sentence += '.';
  constexpr std::size_t kWidth = 90;  // without the indentation and the quotes
  std::string text = "    \"\"\"";
  std::string_view rest = sentence;
  while (rest.size() > kWidth) {
    const std::size_t space = rest.rfind(' ', kWidth);
    if (space == rest.npos) break;
    text += fmt::format("{}\n    ", rest.substr(0, space));
    rest.remove_prefix(space + 1);
  }
  return fmt::format("{}{}\"\"\"\n", text, rest);
}

/// Such a field is not an attribute.
bool is_dict_method(std::string_view name) {
  constexpr std::array<std::string_view, 11> kMethods{"clear",
                                                      "copy",
                                                      "fromkeys",
                                                      "get",
                                                      "items",
                                                      "keys",
                                                      "pop",
                                                      "popitem",
                                                      "setdefault",
                                                      "update",
                                                      "values"};
  return std::ranges::find(kMethods, name) != kMethods.end();
}

std::string field_text(const fields::Field& field) {
  std::string type = python_type(field.type);
  if (field.nullable || field.optional) type = fmt::format("Optional[{}]", type);
  return fmt::format("    {}: {}{}{}\n{}",
                     field.name,
                     type,
                     field.optional ? " = None" : "",
                     is_dict_method(field.name) ? "  # type: ignore[assignment]" : "",
                     docstring(field.doc));
}

std::string class_text(const fields::Struct& made) {
  const auto& kinds = documents().kinds;
  const auto kind = std::ranges::find(kinds, made.name, &DocumentKind::type);
  std::string text =
      fmt::format("\n\nclass {}({}):\n", made.name, kind == kinds.end() ? "Record" : "Result");
  if (const std::string doc = docstring(made.doc); !doc.empty()) text += doc + "\n";
  if (kind != kinds.end()) {
    text += fmt::format("    format: str\n    \"\"\"Always {}.\"\"\"\n", kind->format.text());
  }
  for (const fields::Field& field : made.fields) text += field_text(field);
  return text;
}

}  // namespace

std::string python_types() {
  std::string text(kHeader);
  for (const fields::Struct& made : documents().schema.structs()) text += class_text(made);
  text += "\n\nBY_FUNCTION: dict[str, type[Result]] = {\n";
  for (const DocumentKind& kind : documents().kinds) {
    text += fmt::format("    \"{}\": {},\n", kind.format.function, kind.type);
  }
  return text + "}\n\"\"\"What each function returns.\"\"\"\n";
}

}  // namespace ompq::report

#include "ompq/report/python_types.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "ompq/report/documents.h"

namespace ompq::report {
namespace {

constexpr std::string_view kHeader =
    R"("""What the functions return: the documents of `--json`, as dicts.

Fields that are not there are left out, as NotRequired says. Made by `ompq --print-docs python` from
the fields that the structs of src/ompq/report declare; `make docs` writes it again.
"""

from typing import Any, NotRequired, TypedDict
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

std::string field_text(const fields::Field& field) {
  std::string type = python_type(field.type);
  if (field.nullable) type += " | None";
  if (field.optional) type = fmt::format("NotRequired[{}]", type);
  return fmt::format("    {}: {}\n{}", field.name, type, docstring(field.doc));
}

std::string class_text(const fields::Struct& made) {
  std::string text = fmt::format("\n\nclass {}(TypedDict):\n", made.name);
  if (const std::string doc = docstring(made.doc); !doc.empty()) text += doc + "\n";
  const auto& kinds = documents().kinds;
  const auto kind = std::ranges::find(kinds, made.name, &DocumentKind::type);
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
  text += "\n\nBY_FUNCTION: dict[str, type] = {\n";
  for (const DocumentKind& kind : documents().kinds) {
    text += fmt::format("    \"{}\": {},\n", kind.format.function, kind.type);
  }
  return text + "}\n\"\"\"What each function returns.\"\"\"\n";
}

}  // namespace ompq::report

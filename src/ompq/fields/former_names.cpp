#include "ompq/fields/former_names.h"

#include <algorithm>
#include <utility>

namespace ompq::fields {
namespace {

using Json = nlohmann::ordered_json;

void rename_fields(Json& object, const Schema& schema, const Struct& fields) {
  Json renamed = Json::object();
  for (auto& [name, value] : object.items()) {
    const auto named = std::ranges::find(fields.fields, name, &Field::name);
    const auto formerly = std::ranges::find(fields.fields, name, &Field::former_name);
    if (named != fields.fields.end()) {
      rename_former(value, schema, named->type);
      renamed[name] = std::move(value);
    } else if (formerly != fields.fields.end() && !object.contains(formerly->name)) {
      rename_former(value, schema, formerly->type);
      renamed[formerly->name] = std::move(value);
    } else {
      renamed[name] = std::move(value);
    }
  }
  object = std::move(renamed);
}

}  // namespace

void rename_former(Json& document, const Schema& schema, const Type& type) {
  if (type.kind == Type::Kind::Object && document.is_object()) {
    rename_fields(document, schema, *schema.find(type.object));
  } else if ((type.kind == Type::Kind::List && document.is_array()) ||
             (type.kind == Type::Kind::Map && document.is_object())) {
    for (Json& item : document) rename_former(item, schema, type.item.front());
  }
}

}  // namespace ompq::fields

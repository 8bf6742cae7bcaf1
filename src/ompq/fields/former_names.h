#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "ompq/fields/schema.h"

namespace ompq::fields {

/// Renames the fields of a document of an earlier version to their current names.
/// @param type  type of `document` in `schema`. Values of another type are left unchanged.
void rename_former(nlohmann::ordered_json& document, const Schema& schema, const Type& type);

}  // namespace ompq::fields

#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "ompq/fields/schema.h"

namespace ompq::fields {

/// Gives the fields of a document of an earlier version the names that they have now.
/// @param type  of `schema`: what `document` holds. What is of another type stays as it is.
void rename_former(nlohmann::ordered_json& document, const Schema& schema, const Type& type);

}  // namespace ompq::fields

#include "ompq/graph/interface.h"

#include <algorithm>

namespace ompq::graph {

const Declaration* find_declaration(const std::vector<Declaration>& declarations,
                                    std::string_view name) {
  const auto found = std::ranges::find(declarations, name, &Declaration::name);
  return found == declarations.end() ? nullptr : &*found;
}

}  // namespace ompq::graph

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/core/tensor.h"

namespace ompq::graph {

/// One extent as a file declares it: a number, a name, or neither.
struct DeclaredDim {
  std::optional<std::int64_t> size{};  ///< some exporters write 0 or -1 for an open one
  std::string name{};
  [[nodiscard]] bool is_open() const { return !size || *size <= 0; }
};

/// An input or output as declared in the file, which may differ from the graph in memory.
struct Declaration {
  std::string name;
  DataType type = DataType::Float32;  ///< in the file, e.g. float16 if the graph has float32
  std::optional<std::vector<DeclaredDim>> shape{};
};

/// The interface of a network that programs rely on. Empty if the graph was not read from a file.
struct Interface {
  std::vector<Declaration> inputs;
  std::vector<Declaration> outputs;
  // The file's description of itself.
  std::string domain{};
  std::string doc{};
  std::string graph_doc{};
  std::int64_t model_version = 0;
};

/// nullptr if there is none with this name.
[[nodiscard]] const Declaration* find_declaration(const std::vector<Declaration>& declarations,
                                                  std::string_view name);

}  // namespace ompq::graph

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/allocation/allocators.h"
#include "ompq/allocation/budget.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/allocation/solver_record.h"

namespace ompq::allocation {

/// One row of `layers` in bits.json.
struct AllocatedLayer {
  std::string name;
  int weight_bits = 8;                 ///< kFloatBits: the layer stays float, "float" in the file
  std::optional<int> activation_bits;  ///< nullopt: the layer's input stays float
  std::optional<std::string> tied_to;  ///< the leader of its tie
};

/// The network of an allocation file.
struct AllocatedModel {
  std::string file;
  std::string sha256;  ///< "" in a file written by hand
};

/// The content of bits.json, format "ompq-allocation/2"; version 1 is read too.
struct AllocationFile {
  std::string model_file;
  std::string model_sha256;
  Accounting accounting = Accounting::Disk;
  Budget budget;
  std::vector<AllocatedLayer> layers;
  std::optional<Cost> cost;
  std::string metric;
  std::optional<SolverRecord> solver;
};

/// Rows of an allocation, in layer order.
[[nodiscard]] AllocationFile make_allocation_file(const AllocationRequest& request,
                                                  const Allocation& allocation);

[[nodiscard]] std::string to_json(const AllocationFile& file);

/// Reads an allocation and checks it against the model's layers. Only `format` and `layers` (with
/// `name` and `weight_bits`) are required; `weight_bits` and `activation_bits` may be 1..8 or
/// "float".
/// @return rows in the order of `layers`.
/// @param model  of the layers; if its hash and that of the file are known, they must be equal.
/// @throws DataError for a file of another network, naming both; else listing all errors: format,
/// unknown layers (with the nearest name), missing
/// and repeated layers, widths outside of 1..8, tied layers that differ, layers that read the same
/// activation at different widths.
[[nodiscard]] AllocationFile parse_allocation(std::string_view json,
                                              std::span<const LayerCost> layers,
                                              const AllocatedModel& model = {});

/// @throws FileError if the file cannot be read or written.
[[nodiscard]] AllocationFile read_allocation(const std::filesystem::path& path,
                                             std::span<const LayerCost> layers,
                                             const AllocatedModel& model = {});
void write_allocation(const std::filesystem::path& path, const AllocationFile& file);

}  // namespace ompq::allocation

#include "ompq/onnx_io/lookups.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::ValueId;

/// A table that a Gather reads by the input `ids`; each test changes one thing.
struct Lookup {
  Graph graph;
  ValueId ids =
      graph.add_input("ids", DataType::Int64, {graph::Dim::batch(), graph::Dim::fixed(7)});
  ValueId table;

  explicit Lookup(std::vector<std::int64_t> shape = {512, 128}, std::int64_t axis = 0)
      : table(graph.add_constant("table", Tensor(DataType::Float32, std::move(shape)))) {
    add("Gather", {table, ids}, {{"axis", axis}});
  }
  ValueId add(const std::string& type,
              std::vector<ValueId> inputs,
              std::map<std::string, graph::Attribute> attributes = {},
              const std::string& domain = "") {
    const ValueId made =
        graph.add_op({"", type, domain, std::move(inputs), {}, std::move(attributes)});
    graph.mark_output(made);
    return made;
  }
  [[nodiscard]] bool holds() const { return only_gathers_read(graph, table); }
};

TEST(IsLookedUpAlone, HoldsForALargeTableOfRows) {
  EXPECT_TRUE(Lookup().holds());
  EXPECT_TRUE(Lookup({512, 128}, -2).holds()) << "the same axis, counted from the end";
  Lookup twice;
  twice.add("Gather", {twice.table, twice.ids});
  EXPECT_TRUE(twice.holds());
}

TEST(IsLookedUpAlone, FailsForOtherTables) {
  EXPECT_FALSE(Lookup({511, 128}).holds()) << "too small to be worth it";
  EXPECT_FALSE(Lookup({512, 128, 1}).holds());
  EXPECT_FALSE(Lookup({512, 128}, 1).holds()) << "columns";
  const Lookup lookup;
  EXPECT_FALSE(only_gathers_read(lookup.graph, lookup.ids)) << "not a constant";
}

TEST(IsLookedUpAlone, FailsIfTheWholeTableIsRead) {
  Lookup multiplied;
  multiplied.add("Neg", {multiplied.table});
  EXPECT_FALSE(multiplied.holds());
  Lookup returned;
  returned.graph.mark_output(returned.table);
  EXPECT_FALSE(returned.holds());
  Lookup foreign;
  foreign.add("Gather", {foreign.table, foreign.ids}, {}, "com.example");
  EXPECT_FALSE(foreign.holds());
  Graph unused;
  EXPECT_FALSE(
      only_gathers_read(unused, unused.add_constant("t", Tensor(DataType::Float32, {512, 128}))));
}

TEST(IsLookedUpAlone, NeedsIndicesOfKnownRankThatAreNotConstant) {
  Lookup constant;
  const ValueId row = constant.graph.add_constant("row", Tensor::scalar(std::int64_t{3}));
  constant.add("Gather", {constant.table, row});
  EXPECT_FALSE(constant.holds());
  Lookup open;
  open.add("Gather", {open.table, open.graph.add_open_input("open")});
  EXPECT_FALSE(open.holds());
}

}  // namespace
}  // namespace ompq::onnx_io

#include "ompq/ops/fold_budget.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/core/memory_limit.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/ops/fold.h"
#include "ompq/ops/infer.h"
#include "support/peak_memory.h"

namespace ompq::ops {
namespace {

using graph::Attribute;
using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// A network whose input is added to a constant that a few nodes compute from a few numbers.
class Attack {
 public:
  Attack() { graph_.opset = 13; }

  ValueId list(const std::vector<std::int64_t>& numbers) {
    return graph_.add_constant(
        "list", Tensor::from<std::int64_t>({static_cast<std::int64_t>(numbers.size())}, numbers));
  }
  ValueId floats(const std::vector<float>& numbers) {
    return graph_.add_constant(
        "floats", Tensor::from<float>({static_cast<std::int64_t>(numbers.size())}, numbers));
  }
  ValueId op(const std::string& type,
             std::vector<ValueId> inputs,
             std::map<std::string, Attribute> attributes = {}) {
    return graph_.add_op({type, type, "", std::move(inputs), {}, std::move(attributes)});
  }
  /// Zeros in `shape`.
  ValueId zeros(const std::vector<std::int64_t>& shape) {
    return op("ConstantOfShape", {list(shape)});
  }
  [[nodiscard]] Graph ending_in(ValueId constant) {
    const ValueId x = graph_.add_input("x", DataType::Float32, {Dim::fixed(1)});
    const ValueId sum = op("ReduceSum", {constant}, {{"keepdims", std::int64_t{0}}});
    graph_.mark_output(op("Add", {x, sum}));
    return std::move(graph_);
  }
  Graph& graph() { return graph_; }

 private:
  Graph graph_;
};

struct Case {
  std::string name;
  std::string blamed;  ///< the operator that the message names
  std::function<ValueId(Attack&)> constant;
};

ValueId doubled_by_concat(Attack& attack) {
  ValueId value = attack.zeros({1024});
  for (int i = 0; i < 20; ++i)
    value = attack.op("Concat", {value, value}, {{"axis", std::int64_t{0}}});
  return value;
}

ValueId gathered(Attack& attack) {
  const ValueId rows = attack.zeros({1, 1 << 20});
  const ValueId places = attack.op("Cast", {attack.zeros({2000})}, {{"to", std::int64_t{7}}});
  return attack.op("Gather", {rows, places}, {{"axis", std::int64_t{0}}});
}

ValueId broadcast_sum(Attack& attack) {
  return attack.op("Add", {attack.zeros({40000, 1}), attack.zeros({1, 40000})});
}

ValueId padded(Attack& attack) {
  return attack.op("Pad", {attack.zeros({1}), attack.list({1 << 30, 0})});
}

ValueId resized(Attack& attack, const std::string& mode, std::int64_t from, std::int64_t to) {
  const ValueId image = attack.zeros({1, 1, 1, from});
  return attack.op("Resize",
                   {image, graph::kNoValue, graph::kNoValue, attack.list({1, 1, 1, to})},
                   {{"mode", mode}});
}

ValueId one_hot(Attack& attack) {
  const ValueId places = attack.op("Cast", {attack.zeros({50000})}, {{"to", std::int64_t{7}}});
  return attack.op("OneHot", {places, attack.list({20000}), attack.floats({0, 1})});
}

ValueId eye(Attack& attack) { return attack.op("EyeLike", {attack.zeros({30000, 30000})}); }

ValueId product(Attack& attack) {
  return attack.op("MatMul", {attack.zeros({30000, 1}), attack.zeros({1, 30000})});
}

/// Repeats `part` of 200 MiB, of which each keeps a few bytes.
ValueId slices_of_large_ones(Attack& attack) {
  std::vector<ValueId> parts;
  for (int i = 0; i < 12; ++i) {
    const ValueId large = attack.op("Neg", {attack.zeros({50 << 20})});
    parts.push_back(attack.op("Slice", {large, attack.list({0}), attack.list({1})}));
  }
  return attack.op("Concat", parts, {{"axis", std::int64_t{0}}});
}

/// Many constants, none of which is large.
ValueId many_small_ones(Attack& attack) {
  std::vector<ValueId> parts;
  for (int i = 0; i < 400; ++i) parts.push_back(attack.op("Neg", {attack.zeros({(1 << 18) + i})}));
  return attack.op("Concat", parts, {{"axis", std::int64_t{0}}});
}

/// A Loop whose body makes and drops a large value.
ValueId loop(Attack& attack, std::int64_t turns, std::int64_t elements) {
  auto body = std::make_shared<Graph>();
  body->opset = 13;
  (void)body->add_open_input("turn");
  const ValueId going = body->add_open_input("going");
  const ValueId carried = body->add_open_input("carried");
  const ValueId shape =
      body->add_constant("shape", Tensor::from<std::int64_t>({1}, std::vector{elements}));
  const ValueId large = body->add_op({"large", "ConstantOfShape", "", {shape}, {}, {}});
  const ValueId negative = body->add_op({"negative", "Neg", "", {large}, {}, {}});
  const ValueId sum =
      body->add_op({"sum", "ReduceSum", "", {negative}, {}, {{"keepdims", std::int64_t{0}}}});
  body->mark_output(going);
  body->mark_output(body->add_op({"next", "Add", "", {carried, sum}, {}, {}}));
  const graph::SubGraph shared = body;
  const ValueId yes = attack.graph().add_constant("yes", Tensor::scalar(true));
  const ValueId count = attack.graph().add_constant("turns", Tensor::scalar(turns));
  const ValueId start = attack.graph().add_constant("start", Tensor::scalar(0.0F));
  return attack.op("Loop", {count, yes, start}, {{"body", shared}});
}

const std::vector<Case>& attacks() {
  static const std::vector<Case> cases{
      {"negated", "ConstantOfShape", [](Attack& a) { return a.op("Neg", {a.zeros({kGiB})}); }},
      {"tiled",
       "Tile",
       [](Attack& a) {
         return a.op("Neg", {a.op("Tile", {a.zeros({1000}), a.list({1 << 20})})});
       }},
      {"expanded",
       "Expand",
       [](Attack& a) {
         return a.op("Neg", {a.op("Expand", {a.zeros({1}), a.list({kGiB})})});
       }},
      {"range",
       "Range",
       [](Attack& a) {
         Graph& graph = a.graph();
         return a.op("Neg",
                     {a.op("Range",
                           {graph.add_constant("first", Tensor::scalar(0.0F)),
                            graph.add_constant("last", Tensor::scalar(1e9F)),
                            graph.add_constant("step", Tensor::scalar(1.0F))})});
       }},
      {"padded", "Pad", padded},
      {"resized by index", "Resize", [](Attack& a) { return resized(a, "nearest", 2, 1 << 30); }},
      {"resized by a matrix",
       "Resize",
       [](Attack& a) { return resized(a, "linear", 60000, 50000); }},
      {"joined", "Concat", doubled_by_concat},
      {"gathered", "Gather", gathered},
      {"broadcast", "Add", broadcast_sum},
      {"one-hot", "OneHot", one_hot},
      {"identity matrix", "ConstantOfShape", eye},
      {"product", "MatMul", product},
      {"many", "", many_small_ones},
      {"inside a loop", "ConstantOfShape", [](Attack& a) { return loop(a, 3, kGiB); }},
  };
  return cases;
}

std::string folding_refusal(Graph graph) {
  try {
    infer_and_fold(graph);
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(FoldBudget, RefusesSmallNetworksWithHugeConstants) {
  for (const Case& attack : attacks()) {
    Attack network;
    const ValueId constant = attack.constant(network);
    Graph graph = network.ending_in(constant);
    std::string message;
    const std::int64_t peak =
        testing::peak_growth([&] { message = folding_refusal(std::move(graph)); });
    EXPECT_THAT(message,
                AllOf(HasSubstr(attack.blamed + " node '"),
                      HasSubstr("computing the network's constants needs "),
                      HasSubstr("more than the limit of 256 MiB")))
        << attack.name;
    EXPECT_LT(peak, 600 * kMiB) << attack.name;
  }
}

TEST(FoldBudget, CountsWhatIsAliveAndNotWhatWasFreed) {
  Attack network;
  const ValueId constant = slices_of_large_ones(network);
  Graph graph = network.ending_in(constant);
  // 12 x 200 MiB one after the other; a slice does not keep the whole in memory.
  const MemoryLimit enough(420 * kMiB, false);
  std::string message;
  const std::int64_t peak =
      testing::peak_growth([&] { message = folding_refusal(std::move(graph)); });
  EXPECT_EQ(message, "nothing was thrown");
  EXPECT_LT(peak, 700 * kMiB);
}

TEST(FoldBudget, IsRaisedByTheOptionAndNamesIt) {
  const auto graph = [] {
    Attack network;
    const ValueId constant = network.op("Neg", {network.op("Neg", {network.zeros({48 << 20})})});
    return network.ending_in(constant);
  };
  {
    const MemoryLimit option(0, true);
    EXPECT_THAT(folding_refusal(graph()), HasSubstr("give --memory 384MiB"));
  }
  const MemoryLimit option(400 * kMiB, true);
  EXPECT_EQ(folding_refusal(graph()), "nothing was thrown");
}

TEST(FoldBudget, GrowsWithTheFile) {
  Attack network;
  const ValueId constant = network.op("Neg", {network.op("Neg", {network.zeros({48 << 20})})});
  Graph graph = network.ending_in(constant);
  graph.source_bytes = 16 * kMiB;
  EXPECT_EQ(folding_refusal(std::move(graph)), "nothing was thrown");
}

TEST(FoldBudget, LeavesLargeRepeatedConstantsToTheRun) {
  Attack network;
  const ValueId large = network.zeros({kGiB});
  Graph& graph = network.graph();
  const ValueId x = graph.add_input("x", DataType::Float32, {Dim::fixed(1)});
  graph.mark_output(network.op("Add", {x, large}));
  const std::int64_t peak = testing::peak_growth([&] { infer_and_fold(graph); });
  EXPECT_EQ(graph.nodes().size(), 2U);
  EXPECT_LT(peak, 100 * kMiB);
}

TEST(FoldBudget, LimitsTheNodesOfALoop) {
  Attack network;
  const ValueId constant = loop(network, std::int64_t{1} << 40, 1);
  EXPECT_THAT(folding_refusal(network.ending_in(constant)),
              HasSubstr("a loop over constants runs more than 100000 nodes"));
  Attack small;
  const ValueId sum = loop(small, 100, 3);
  EXPECT_EQ(folding_refusal(small.ending_in(sum)), "nothing was thrown");
}

TEST(FoldBudget, CountsBytesOfShapesThatOverflow) {
  EXPECT_EQ(bytes_of(DataType::Float32, {Dim::fixed(3), Dim::fixed(5)}), 60);
  EXPECT_EQ(bytes_of(DataType::Float32, {Dim::batch()}), INT64_MAX);
  EXPECT_EQ(bytes_of(DataType::Float32, {Dim::fixed(INT64_MAX), Dim::fixed(2)}), INT64_MAX);
  EXPECT_EQ(bytes_of(DataType::Float32, {Dim::fixed(INT64_MAX), Dim::fixed(0)}), 0);
}

TEST(FoldBudget, IsTheCurrentOneOfItsThreadDuringItsScope) {
  EXPECT_EQ(FoldBudget::current(), nullptr);
  const Graph graph;
  FoldBudget outer(graph);
  const FoldBudget::Scope scope(outer);
  {
    FoldBudget inner(graph);
    const FoldBudget::Scope inside(inner);
    EXPECT_EQ(FoldBudget::current(), &inner);
  }
  EXPECT_EQ(FoldBudget::current(), &outer);
}

TEST(FoldBudget, GivesBackWhatEvaluationFreed) {
  Attack network;
  const ValueId constant = network.op("Neg", {network.op("Neg", {network.zeros({1000})})});
  Graph graph = network.ending_in(constant);
  graph.sort();
  FoldBudget budget(graph);
  (void)evaluate_constants(graph, {&constant, 1}, budget);
  EXPECT_EQ(budget.held(), 4000) << "the result alone";
}

TEST(WithoutSpareStorage, CopiesSmallPartsOnly) {
  const at::Tensor whole = at::zeros({1000});
  EXPECT_EQ(without_spare_storage(whole.narrow(0, 5, 10)).storage().nbytes(), 40U);
  EXPECT_TRUE(without_spare_storage(whole).is_same(whole));
  EXPECT_EQ(without_spare_storage(whole.narrow(0, 0, 900)).storage().nbytes(), 4000U);
}

}  // namespace
}  // namespace ompq::ops

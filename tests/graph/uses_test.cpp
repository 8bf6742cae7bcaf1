#include "ompq/graph/uses.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace ompq::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// x -> relu -> (square = relu * relu, sigmoid); outputs: square, sigmoid.
class UsesOfARelu : public ::testing::Test {
 protected:
  UsesOfARelu() {
    testing::GraphBuilder b("uses");
    x_ = b.input("x", {Dim::batch(), Dim::fixed(4)});
    two_ = b.constant("two", Tensor::scalar(2.0F));
    relu_ = b.relu("relu", b.binary("Mul", "double", x_, two_));
    square_ = b.binary("Mul", "square", relu_, relu_);
    sigmoid_ = b.unary("Sigmoid", "sigmoid", relu_);
    graph_ = b.finish({square_, sigmoid_});
  }

  Graph graph_;
  ValueId x_ = kNoValue;
  ValueId two_ = kNoValue;
  ValueId relu_ = kNoValue;
  ValueId square_ = kNoValue;
  ValueId sigmoid_ = kNoValue;
};

TEST_F(UsesOfARelu, HaveProducers) {
  const Uses uses(graph_);
  EXPECT_EQ(graph_.node(uses.producer(relu_)).name, "relu");
  EXPECT_EQ(graph_.node(uses.producer(sigmoid_)).name, "sigmoid");
  EXPECT_EQ(uses.producer(x_), kNoNode);
  EXPECT_EQ(uses.producer(two_), kNoNode);
}

TEST_F(UsesOfARelu, HaveEachReaderOnce) {
  const Uses uses(graph_);
  EXPECT_THAT(uses.readers(relu_), ElementsAre(2, 3)) << "the product reads it twice";
  EXPECT_THAT(uses.readers(two_), ElementsAre(0));
  EXPECT_THAT(uses.readers(square_), IsEmpty());
}

TEST_F(UsesOfARelu, HaveASoleReaderOnlyOfWhatNobodyElseSees) {
  Uses uses(graph_);
  const ValueId doubled = graph_.node(0).outputs[0];
  EXPECT_EQ(uses.sole_reader(doubled), 1);
  EXPECT_EQ(uses.sole_reader(relu_), kNoNode) << "two read it";
  EXPECT_EQ(uses.sole_reader(square_), kNoNode) << "none reads it";
  uses.keep(doubled);
  EXPECT_TRUE(uses.is_visible(doubled));
  EXPECT_EQ(uses.sole_reader(doubled), kNoNode) << "it must be kept";
}

TEST_F(UsesOfARelu, SeeNetworkOutputs) {
  const Uses uses(graph_);
  EXPECT_TRUE(uses.is_visible(square_) && uses.is_visible(sigmoid_));
  EXPECT_FALSE(uses.is_visible(relu_) || uses.is_visible(x_));
}

TEST_F(UsesOfARelu, KeepNoValueThatIsNotInTheGraph) {
  Uses uses(graph_);
  EXPECT_THROW(uses.keep(1'000'000), std::out_of_range);
  EXPECT_THROW(uses.keep(kNoValue), std::out_of_range);
}

TEST_F(UsesOfARelu, KeepAProducerThatAPassSets) {
  Uses uses(graph_);
  uses.set_producer(relu_, 0);
  EXPECT_EQ(uses.producer(relu_), 0);
  EXPECT_EQ(uses.producer(square_), 2) << "others are unchanged";
}

}  // namespace
}  // namespace ompq::graph

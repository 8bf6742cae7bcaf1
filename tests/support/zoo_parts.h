#pragma once

#include "support/graph_builder.h"
#include "support/zoo.h"

/// What the zoo's networks have in common; tests include zoo.h.
namespace ompq::testing::zoo {

/// `channels` x width, to the nearest multiple of 8, and never less than 90 % of it.
[[nodiscard]] std::int64_t scaled(std::int64_t channels, const Options& options);
/// The network's input.
[[nodiscard]] graph::ValueId image(GraphBuilder& b, const Options& options);
/// Global average pool, flatten, fully connected layer `name`.
[[nodiscard]] graph::ValueId classifier(GraphBuilder& b,
                                        const std::string& name,
                                        graph::ValueId x,
                                        const Options& options);

}  // namespace ompq::testing::zoo

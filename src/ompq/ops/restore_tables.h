#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Files that ompq wrote look rows of codes up and decode these. Makes a Gather from the decoded
/// table, a constant, of each such group of nodes, so that the table is a weight again. Only for
/// graphs that ompq wrote: a network of others may well multiply two embeddings.
/// @param graph  sorted. @return how many there were.
int restore_looked_up_tables(graph::Graph& graph);

}  // namespace ompq::ops

#pragma once

#include "ompq/graph/graph.h"

namespace ompq::ops {

/// Files written by ompq look up rows of codes and decode them. Replaces each such group of nodes
/// by a Gather from the decoded table, a constant, so that the table is a weight again. Only for
/// graphs written by ompq: other networks may multiply two embeddings.
/// @param graph  sorted. @return the number of replaced groups.
int restore_looked_up_tables(graph::Graph& graph);

}  // namespace ompq::ops

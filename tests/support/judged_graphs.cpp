#include "support/judged_graphs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ompq/core/atomic_file.h"
#include "ompq/core/random.h"
#include "ompq/onnx_io/exporter.h"
#include "support/judge.h"
#include "support/paths.h"

namespace ompq::testing {

Feed normal_feed(const graph::Graph& graph, std::int64_t batch, std::uint64_t seed) {
  Feed feed;
  Random random(seed);
  for (const graph::ValueId id : graph.inputs()) {
    const graph::Value& value = graph.value(id);
    Tensor numbers(DataType::Float32, graph::extents_at(*value.shape, batch));
    for (float& number : numbers.mutable_data<float>()) {
      number = static_cast<float>(random.normal());
    }
    feed.emplace(value.name, std::move(numbers));
  }
  return feed;
}

void JudgedGraphs::add(const std::string& name, const graph::Graph& graph, const Feed& feed) {
  entries_.push_back({name, onnx_io::export_onnx_bytes(graph), feed});
}

std::map<std::string, std::vector<Tensor>> JudgedGraphs::run() const {
  const TemporaryDirectory folder;
  std::vector<JudgeJob> jobs;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto file = folder / fmt::format("{}.onnx", i);
    write_file_atomically(file, entries_[i].bytes);
    jobs.push_back({file, entries_[i].feed, "disabled"});
  }
  const std::vector<JudgeAnswer> answers = run_jobs(Judge::Node, jobs);
  std::map<std::string, std::vector<Tensor>> outputs;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    EXPECT_EQ(answers[i].refusal, "") << entries_[i].name;
    const bool added = outputs.emplace(entries_[i].name, answers[i].outputs).second;
    EXPECT_TRUE(added) << "two networks are named " << entries_[i].name;
  }
  return outputs;
}

void expect_same_outputs(const std::vector<Tensor>& got,
                         const std::vector<Tensor>& expected,
                         const std::string& name) {
  ASSERT_FALSE(expected.empty()) << name;
  ASSERT_EQ(got.size(), expected.size()) << name;
  for (std::size_t o = 0; o < got.size(); ++o) {
    ASSERT_EQ(got[o].shape(), expected[o].shape()) << name << " output " << o;
    const auto a = got[o].data<float>();
    const auto b = expected[o].data<float>();
    float largest = 0.0F;
    for (const float element : b) largest = std::max(largest, std::abs(element));
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], std::ldexp(largest, -13))
          << name << " output " << o << " element " << i;
    }
  }
}

}  // namespace ompq::testing

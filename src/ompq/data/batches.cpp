#include "ompq/data/batches.h"

#include <algorithm>

#include "ompq/core/error.h"

namespace ompq::data {

void for_each_batch(Dataset& dataset,
                    const std::vector<std::int64_t>& indices,
                    std::int64_t batch_size,
                    const std::function<void(const Batch&)>& use,
                    std::string_view task,
                    const ProgressHandler& progress) {
  if (batch_size < 1) throw ConfigError("data", "a batch needs at least one sample");
  const auto total = static_cast<std::int64_t>(indices.size());
  for (std::int64_t begin = 0; begin < total; begin += batch_size) {
    check_interrupt();
    const std::int64_t end = std::min(begin + batch_size, total);
    const Batch batch = dataset.load({indices.begin() + begin, indices.begin() + end});
    if (batch.size > 0) use(batch);
    if (progress) progress({task, end, total, {}});
  }
}

}  // namespace ompq::data

#include "ompq/runtime/buffer_pool.h"

#include <gtest/gtest.h>

namespace ompq::runtime {
namespace {

TEST(BufferPool, UsesAFreedBlockAgain) {
  BufferPool pool;
  const void* first = nullptr;
  {
    const at::Tensor tensor = pool.empty({4, 64, 32, 32}, at::kFloat);
    first = tensor.data_ptr();
    EXPECT_EQ(pool.idle_bytes(), 0U);
    EXPECT_GE(pool.live_bytes(), 4U * 64 * 32 * 32 * 4);
  }
  EXPECT_EQ(pool.live_bytes(), 0U);
  const at::Tensor smaller = pool.empty({2, 64, 32, 32}, at::kFloat);
  EXPECT_EQ(smaller.data_ptr(), first);
}

TEST(BufferPool, NeverHandsOutABlockTwice) {
  BufferPool pool;
  const at::Tensor a = pool.empty({1 << 20}, at::kFloat);
  const at::Tensor view = a.view({1024, 1024});
  const at::Tensor b = pool.empty({1 << 20}, at::kFloat);
  EXPECT_NE(a.data_ptr(), b.data_ptr());
}

TEST(BufferPool, KeepsAViewsMemory) {
  BufferPool pool;
  at::Tensor view = pool.empty({1 << 20}, at::kFloat).view({1024, 1024});
  const at::Tensor other = pool.empty({1 << 20}, at::kFloat);
  EXPECT_NE(view.data_ptr(), other.data_ptr());
}

TEST(BufferPool, IsOutlivedByItsTensors) {
  at::Tensor tensor;
  {
    BufferPool pool;
    tensor = pool.empty({1 << 20}, at::kFloat);
  }
  tensor.fill_(3.0);
  EXPECT_EQ(tensor.sum().item<float>(), 3.0F * (1 << 20));
}

TEST(BufferPool, MakesImagesChannelsLast) {
  BufferPool pool;
  const at::Tensor image = pool.empty({4, 64, 32, 32}, at::kBFloat16);
  EXPECT_TRUE(image.is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace ompq::runtime

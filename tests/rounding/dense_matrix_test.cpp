#include "ompq/rounding/dense_matrix.h"

#include <atomic>
#include <cmath>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/time.h>

#include "ompq/core/random.h"
#include "ompq/core/signal_shield.h"
#include "ompq/runtime/worker_signals.h"

namespace ompq::rounding {
namespace {

DenseMatrix random_matrix(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  DenseMatrix m(rows, cols);
  Random random(seed);
  for (float& value : m.values) value = static_cast<float>(random.normal());
  return m;
}

/// G^T G / n + I / 2: positive definite, eigenvalues from one half to about four and a half.
DenseMatrix positive_definite(std::int64_t n, std::uint64_t seed) {
  DenseMatrix g = random_matrix(n, n, seed);
  DenseMatrix h(n, n);
  const float inverse = 1.0F / static_cast<float>(n);
  multiply(Turned::Yes, Turned::No, inverse, g.view(), g.view(), 0.0F, h.view());
  for (std::int64_t i = 0; i < n; ++i) h.at(i, i) += 0.5F;
  return h;
}

double product(const DenseMatrix& m, Turned turned, std::int64_t i, std::int64_t j) {
  return turned == Turned::Yes ? m.at(j, i) : m.at(i, j);
}

TEST(Multiply, IsTheSumOfProductsInEveryTurning) {
  constexpr std::int64_t kM = 5;
  constexpr std::int64_t kN = 7;
  constexpr std::int64_t kK = 9;
  for (const Turned a_turned : {Turned::No, Turned::Yes}) {
    for (const Turned b_turned : {Turned::No, Turned::Yes}) {
      DenseMatrix a = a_turned == Turned::Yes ? random_matrix(kK, kM, 1) : random_matrix(kM, kK, 1);
      DenseMatrix b = b_turned == Turned::Yes ? random_matrix(kN, kK, 2) : random_matrix(kK, kN, 2);
      DenseMatrix c = random_matrix(kM, kN, 3);
      const DenseMatrix before = c;
      multiply(a_turned, b_turned, 2.0F, a.view(), b.view(), 0.5F, c.view());
      for (std::int64_t i = 0; i < kM; ++i) {
        for (std::int64_t j = 0; j < kN; ++j) {
          double sum = 0.5 * before.at(i, j);
          for (std::int64_t k = 0; k < kK; ++k) {
            sum += 2.0 * product(a, a_turned, i, k) * product(b, b_turned, k, j);
          }
          EXPECT_NEAR(c.at(i, j), sum, 1e-5 * (1.0 + std::abs(sum)));
        }
      }
    }
  }
}

std::atomic<int> signals_seen{0};

extern "C" void count_signal(int) { ++signals_seen; }

/// Sends SIGALRM to the process every 200 us.
class SignalStorm {
 public:
  SignalStorm() {
    struct sigaction action {};
    action.sa_handler = count_signal;
    action.sa_flags = static_cast<int>(SA_RESTART);
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~SignalStorm() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    // One may still be pending, and the default action would end the process: ignoring discards it.
    ::signal(SIGALRM, SIG_IGN);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;

 private:
  struct sigaction before_ {};
};

TEST(Multiply, IsNotDisturbedBySignals) {
  // Without the shield, the first handler that runs within the product overwrites the heap
  // (docs/adr/0024-signals.md) on a processor with AVX-512.
  const DenseMatrix a = random_matrix(2048, 144, 1);
  DenseMatrix left = a;
  DenseMatrix expected(144, 144);
  multiply(Turned::Yes, Turned::No, 1.0F, left.view(), left.view(), 0.0F, expected.view());
  const SignalShield shield;
  runtime::shield_workers();  // the first product started threads
  const SignalStorm storm;
  signals_seen = 0;
  int products = 0;
  for (; signals_seen < 200 && products < 100'000; ++products) {
    DenseMatrix c(144, 144);
    multiply(Turned::Yes, Turned::No, 1.0F, left.view(), left.view(), 0.0F, c.view());
    ASSERT_EQ(c.values, expected.values) << "after " << signals_seen << " signals";
  }
  EXPECT_GE(signals_seen, 200) << "in " << products << " products";
}

TEST(Multiply, LeavesWhatLiesBesideAPartAlone) {
  DenseMatrix a = random_matrix(2, 3, 1);
  DenseMatrix b = random_matrix(3, 2, 2);
  DenseMatrix c(4, 5);
  std::fill(c.values.begin(), c.values.end(), 8.0F);
  multiply(Turned::No, Turned::No, 1.0F, a.view(), b.view(), 0.0F, c.view().part(1, 2, 2, 2));
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 5; ++j) {
      const bool inside = i >= 1 && i < 3 && j >= 2 && j < 4;
      EXPECT_EQ(c.at(i, j) == 8.0F, !inside) << i << ", " << j;
    }
  }
}

class FactorizeTest : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(FactorizeTest, GivesAnUpperFactorOfTheMatrix) {
  const std::int64_t n = GetParam();
  const DenseMatrix h = positive_definite(n, 4);
  DenseMatrix r = h;
  ASSERT_TRUE(factorize(r.view()));
  DenseMatrix back(n, n);
  multiply(Turned::Yes, Turned::No, 1.0F, r.view(), r.view(), 0.0F, back.view());
  // Rounding of n products of order one, float32.
  const double bound = 1.2e-7 * static_cast<double>(n + 10) * 8.0;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      EXPECT_NEAR(back.at(i, j), h.at(i, j), bound);
      if (j < i) {
        EXPECT_EQ(r.at(i, j), 0.0F);
      }
    }
  }
}

TEST_P(FactorizeTest, SolvesForTheInverseFromTheRight) {
  const std::int64_t n = GetParam();
  DenseMatrix h = positive_definite(n, 5);
  DenseMatrix r = h;
  ASSERT_TRUE(factorize(r.view()));
  const DenseMatrix x = random_matrix(3, n, 6);
  DenseMatrix b(3, n);
  DenseMatrix wanted = x;
  multiply(Turned::No, Turned::No, 1.0F, wanted.view(), h.view(), 0.0F, b.view());
  solve_from_right(r.view(), b.view());
  // Condition below ten.
  const double bound = 1.2e-7 * static_cast<double>(n + 10) * 100.0;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    EXPECT_NEAR(b.values[i], x.values[i], bound);
  }
}

INSTANTIATE_TEST_SUITE_P(AroundThePanel, FactorizeTest, ::testing::Values(1, 2, 63, 64, 65, 200));

TEST(Factorize, RefusesWhatIsNotPositiveDefinite) {
  DenseMatrix h = positive_definite(70, 7);
  h.at(66, 66) = -1.0F;
  EXPECT_FALSE(factorize(h.view()));
  DenseMatrix zero(3, 3);
  EXPECT_FALSE(factorize(zero.view()));
}

}  // namespace
}  // namespace ompq::rounding

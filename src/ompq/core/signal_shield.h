#pragma once

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace ompq {

/// During its lifetime, no signal handler runs on the current thread or on a thread that is started
/// from it. Signals sent to the process are handled by a separate thread, which does nothing else.
///
/// oneDNN's matrix products for AVX-512 keep an address of the heap in the stack pointer. The
/// system writes the frame of a handler (about 3 KB) below the stack pointer, so a handler on such
/// a thread overwrites the heap (docs/adr/0024-signals.md).
class SignalShield {
 public:
  /// @throws std::system_error if the thread cannot be started.
  SignalShield();
  ~SignalShield();
  SignalShield(const SignalShield&) = delete;
  SignalShield& operator=(const SignalShield&) = delete;

 private:
  void receive();

  sigset_t before_{};
  const sigset_t* outer_ = nullptr;
  std::mutex mutex_;  ///< guards ended_
  std::condition_variable ended_changed_;
  bool ended_ = false;
  std::thread receiver_;
};

/// A pause of the current thread's shield, if it has one: for callbacks of a caller, who may start
/// threads and processes of its own.
class SignalShieldGap {
 public:
  SignalShieldGap();
  ~SignalShieldGap();
  SignalShieldGap(const SignalShieldGap&) = delete;
  SignalShieldGap& operator=(const SignalShieldGap&) = delete;

 private:
  sigset_t shielded_{};
  bool paused_ = false;
};

}  // namespace ompq

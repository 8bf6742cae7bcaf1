#include "ompq/core/signal_shield.h"

namespace ompq {
namespace {

/// The mask that the current thread had before its shield; null: it has none.
thread_local const sigset_t* unshielded_mask = nullptr;

/// All signals except those that an instruction of the thread itself raises.
sigset_t shielded_signals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int own : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
    sigdelset(&signals, own);
  }
  return signals;
}

}  // namespace

// The receiver is started first: it keeps the caller's mask.
SignalShield::SignalShield() : outer_(unshielded_mask), receiver_([this] { receive(); }) {
  const sigset_t signals = shielded_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  unshielded_mask = &before_;
}

SignalShield::~SignalShield() {
  unshielded_mask = outer_;
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ended_changed_.notify_all();
  receiver_.join();
}

void SignalShield::receive() {
  std::unique_lock lock(mutex_);
  ended_changed_.wait(lock, [&] { return ended_; });
}

SignalShieldGap::SignalShieldGap() : paused_(unshielded_mask != nullptr) {
  if (paused_) ::pthread_sigmask(SIG_SETMASK, unshielded_mask, &shielded_);
}

SignalShieldGap::~SignalShieldGap() {
  if (paused_) ::pthread_sigmask(SIG_SETMASK, &shielded_, nullptr);
}

}  // namespace ompq

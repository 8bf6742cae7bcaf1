#include "stop_signals.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/core/unfinished_file.h"

namespace ompq::app {
namespace {

/// A unit of work may take longer: a layer of a large network, or a library that takes no requests.
constexpr unsigned kPatienceSeconds = 4;
/// Closer signals are one request: 'timeout' signals the program and then its whole group.
constexpr std::int64_t kSameRequestMs = 500;

constexpr std::array kStopSignals{SIGINT, SIGTERM, SIGHUP, SIGXCPU};

std::atomic<std::int64_t> requested_ms{0};  // 0: not requested
std::atomic<void (*)()> request_stop{request_interrupt};
std::atomic<void (*)()> remove_engine_files{nullptr};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(std::atomic<void (*)()>::is_always_lock_free);

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000 + 1;
}

void remove_all_unfinished() {
  remove_unfinished_files();
  if (void (*const remove)() = remove_engine_files.load(); remove != nullptr) remove();
}

void end_interrupted() {
  constexpr std::string_view kText =
      "ompq: [interrupt] stopped by the user; the unit of work in progress is lost\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  end_at_once(static_cast<int>(ExitCode::Interrupted));
}

extern "C" void on_stop_signal(int) {
  std::int64_t first = 0;
  const std::int64_t now = now_ms();
  if (requested_ms.compare_exchange_strong(first, now)) {
    request_stop.load()();
    ::alarm(kPatienceSeconds);
  } else if (now - first > kSameRequestMs) {
    end_interrupted();
  }
}

extern "C" void on_alarm(int) { end_interrupted(); }

/// True if nearly all of a limited address space is used.
bool lacks_address_space() {
  constexpr std::uint64_t kNearly = std::uint64_t{32} << 20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  std::array<char, 32> text{};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0 || ::read(file, text.data(), text.size() - 1) <= 0) return false;
  std::uint64_t pages = 0;
  for (const char* c = text.data(); *c >= '0' && *c <= '9'; ++c) {
    pages = 10 * pages + static_cast<std::uint64_t>(*c - '0');
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + kNearly > limit.rlim_cur;
}

/// oneDNN uses memory for its kernels without checking that it got some.
extern "C" void on_fault(int signal) {
  if (lacks_address_space()) {
    constexpr std::string_view kText =
        "ompq: [memory] there is not enough memory: the limit on the address space (ulimit -v) is "
        "nearly reached; use a smaller --batch or fewer --samples, or allow more memory\n";
    (void)!::write(STDERR_FILENO, kText.data(), kText.size());
    end_at_once(static_cast<int>(ExitCode::BadInput));
  }
  // A bug: the default action follows when this returns, after no temporary file is left.
  remove_all_unfinished();
  std::signal(signal, SIG_DFL);
}

sighandler_t disposition(int signal) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

/// Which of kStopSignals the caller ignores, as nohup does with SIGHUP.
std::array<bool, kStopSignals.size()> is_ignored{};

void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // a library may not expect that a read or write is interrupted
  ::sigaction(signal, &action, nullptr);
}

bool takes_faults = false;

/// All handlers that a library may have replaced since.
void install_all() {
  if (takes_faults) install(SIGSEGV, on_fault);
  for (std::size_t i = 0; i < kStopSignals.size(); ++i) {
    if (!is_ignored[i]) install(kStopSignals[i], on_stop_signal);
  }
}

}  // namespace

void handle_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  install(SIGALRM, on_alarm);
  takes_faults = disposition(SIGSEGV) == SIG_DFL;  // a sanitizer has its own
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &alarm_only, nullptr);  // the caller may have blocked it
  for (std::size_t i = 0; i < kStopSignals.size(); ++i) {
    is_ignored[i] = disposition(kStopSignals[i]) == SIG_IGN;
  }
  install_all();
}

void route_stop(const StopRoute& route) {
  remove_engine_files.store(route.remove_files);
  request_stop.store(route.request);
  install_all();  // MPI, which comes with Debian 13's LibTorch, takes SIGHUP and SIGSEGV
  if (requested_ms.load() != 0) route.request();
}

void end_at_once(int status) {
  remove_all_unfinished();
  ::_exit(status);
}

}  // namespace ompq::app

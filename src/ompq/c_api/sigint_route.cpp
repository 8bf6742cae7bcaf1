#include "ompq/c_api/sigint_route.h"

#include <csignal>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"

namespace ompq::c_api {
namespace {

struct sigaction handler_before {};  // the program's

extern "C" void forward_sigint(int number) {
  // The program's first: the work may end, in another thread, as soon as it is asked to.
  handler_before.sa_handler(number);
  request_interrupt();
}

}  // namespace

SigintRoute::SigintRoute() {
  struct sigaction now {};
  ::sigaction(SIGINT, nullptr, &now);
  const bool handled =
      now.sa_handler != SIG_IGN && now.sa_handler != SIG_DFL && (now.sa_flags & SA_SIGINFO) == 0;
  // A callback may execute another run; the route is then already there.
  if (!handled || now.sa_handler == forward_sigint) return;
  handler_before = now;
  now.sa_handler = forward_sigint;
  installed_ = ::sigaction(SIGINT, &now, nullptr) == 0;
}

SigintRoute::~SigintRoute() {
  if (!installed_) return;
  ::sigaction(SIGINT, &handler_before, nullptr);
  try {
    check_interrupt();  // one after the last unit of work must not stop the next run
  } catch (const Interrupted&) {
  }
}

}  // namespace ompq::c_api

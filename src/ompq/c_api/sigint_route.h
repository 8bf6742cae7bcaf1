#pragma once

namespace ompq::c_api {

/// During its lifetime, SIGINT calls the program's handler, then request_interrupt(). Without a
/// handler, and if another route exists, it does nothing.
class SigintRoute {
 public:
  SigintRoute();
  ~SigintRoute();
  SigintRoute(const SigintRoute&) = delete;
  SigintRoute& operator=(const SigintRoute&) = delete;

 private:
  bool installed_ = false;
};

}  // namespace ompq::c_api

// A library to preload: replaces the handler of SIGHUP when the first library is loaded, which is
// the engine, as MPI does when the engine brings it.
#include <csignal>

#include <dlfcn.h>

extern "C" __attribute__((visibility("default"))) void* dlopen(const char* file, int mode) {
  using Open = void* (*)(const char*, int);
  static const auto next = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, "dlopen"));
  static bool is_first = true;
  void* const opened = next(file, mode);
  if (is_first) std::signal(SIGHUP, [](int) {});
  is_first = false;
  return opened;
}

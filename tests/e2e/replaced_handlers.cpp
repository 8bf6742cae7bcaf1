// A library to preload: replaces the handler of SIGHUP whenever a library is loaded, as MPI does.
#include <csignal>

#include <dlfcn.h>

extern "C" void* dlopen(const char* file, int mode) {
  using Open = void* (*)(const char*, int);
  static const auto next = reinterpret_cast<Open>(::dlsym(RTLD_NEXT, "dlopen"));
  void* const opened = next(file, mode);
  std::signal(SIGHUP, [](int) {});
  return opened;
}

// GCC 12 binds std::condition_variable::wait to a symbol that older versions of libstdc++ lack. It
// has the older symbol, too, which does the same; this defines the newer one, within each library,
// by calling it.
#include <condition_variable>
#include <mutex>

#define WAIT "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"
__asm__(".symver ompq_older_wait, " WAIT "@GLIBCXX_3.4.11");

extern "C" void ompq_older_wait(std::condition_variable*, std::unique_lock<std::mutex>*);

extern "C" __attribute__((visibility("hidden"))) void ompq_wait(
    std::condition_variable* condition, std::unique_lock<std::mutex>* lock) __asm__(WAIT);

extern "C" void ompq_wait(std::condition_variable* condition, std::unique_lock<std::mutex>* lock) {
  ompq_older_wait(condition, lock);
}

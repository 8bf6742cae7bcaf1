# OMPQ_PORTABLE: what is built here also runs on distributions with glibc 2.34 and the libstdc++ of GCC 11.
set(ompq_spdlog spdlog::spdlog)
if(OMPQ_PORTABLE)
  set(ompq_spdlog spdlog::spdlog_header_only)  # Debian's shared library needs GCC 12's libstdc++
  add_library(ompq_portable STATIC ${CMAKE_CURRENT_LIST_DIR}/portable/condition_variable.cpp)
endif()

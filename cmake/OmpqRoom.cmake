# A room is one folder below src/ompq: one static library, with its headers next to its sources. include/ompq has the public
# headers.

add_library(ompq_flags INTERFACE)
target_compile_options(ompq_flags INTERFACE -Wall -Wextra -Wshadow=local -Wno-psabi
                       -Wno-missing-field-initializers)  # designated initializers leave out on purpose
# Floating-point exception flags and errno are not used; without these flags, comparisons prevent vectorization. Results
# do not change.
target_compile_options(ompq_flags INTERFACE -fopenmp -fno-trapping-math -fno-math-errno)
# The C++ library ABI of LibTorch; shared precompiled headers require one ABI for all targets.
separate_arguments(torch_flags NATIVE_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(ompq_flags INTERFACE ${torch_flags})
if(OMPQ_UNITY)  # it takes every file for a header, in which such types would be a fault
  target_compile_options(ompq_flags INTERFACE -Wno-subobject-linkage)
endif()
if(OMPQ_PORTABLE)
  target_link_libraries(ompq_flags INTERFACE ompq_portable)
endif()
if(OMPQ_WERROR)
  target_compile_options(ompq_flags INTERFACE -Werror)
endif()
if(OMPQ_SANITIZE)
  target_compile_options(ompq_flags INTERFACE -fsanitize=${OMPQ_SANITIZE} -fno-omit-frame-pointer)
  # Finds an index far outside of a container, which lands in other memory that may be used.
  target_compile_definitions(ompq_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(ompq_flags INTERFACE -fsanitize=${OMPQ_SANITIZE})
endif()
if(OMPQ_SANITIZE MATCHES "thread")
  # The thread sanitizer does not know GCC's OpenMP barriers. LLVM's runtime has the same interface and reports its barriers
  # through libarcher; linked first, it serves LibTorch and oneDNN, too.
  file(GLOB llvm_folders /usr/lib/llvm-*/lib)
  find_library(OMPQ_OPENMP_RUNTIME omp PATHS ${llvm_folders} REQUIRED)
  get_filename_component(openmp_folder ${OMPQ_OPENMP_RUNTIME} DIRECTORY)
  target_link_options(ompq_flags INTERFACE
    "-Wl,--push-state,--no-as-needed,${OMPQ_OPENMP_RUNTIME},--pop-state,-rpath,${openmp_folder}")
endif()

ompq_add_precompiled(ompq_precompiled common.h fmt::fmt ompq_flags)
ompq_add_precompiled(ompq_precompiled_torch torch.h fmt::fmt ompq_flags ompq_torch)

# ompq_add_room(NAME [DEPS room...] [LIBS target...] [TORCH] [LOOPS | COLD])
#   DEPS   rooms below this one
#   LIBS   third-party targets
#   TORCH  the room may include LibTorch
#   LOOPS  the room has the performance-critical loops over elements: -O3 instead of -O2
#   COLD   the room has no performance-critical code: -O1, which compiles in a quarter less time
function(ompq_add_room name)
  cmake_parse_arguments(ROOM "TORCH;LOOPS;COLD" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)  # headers alone
    add_library(ompq_${name} INTERFACE)
    list(TRANSFORM ROOM_DEPS PREPEND ompq_)
    target_link_libraries(ompq_${name} INTERFACE ${ROOM_DEPS} ${ROOM_LIBS})
    return()
  endif()
  ompq_order_sources(sources ${sources})
  add_library(ompq_${name} STATIC ${sources})
  list(TRANSFORM ROOM_DEPS PREPEND ompq_)
  target_include_directories(ompq_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(ompq_${name} PUBLIC ${ROOM_DEPS} ${ROOM_LIBS} PRIVATE ompq_flags)
  ompq_batch_sources(ompq_${name} ${sources})
  if(ROOM_LOOPS)
    target_compile_options(ompq_${name} PRIVATE $<$<CONFIG:Release>:-O3>)
  elseif(ROOM_COLD)
    ompq_compile_cold(ompq_${name})
  endif()
  if(ROOM_TORCH)
    target_link_libraries(ompq_${name} PUBLIC ompq_torch)
    ompq_use_precompiled(ompq_${name} ompq_precompiled_torch)
  else()
    ompq_use_precompiled(ompq_${name} ompq_precompiled)
  endif()
endfunction()

# ompq_add_test_room(NAME [LIBS target...] [LABELS label...] [TORCH] [PARTS n]): one test program of
# tests/NAME/*_test.cpp. It is one entry of ctest, since loading LibTorch for each of some
# thousand cases would take longer than the cases; these are listed in test-results/NAME.xml. PARTS splits it into n
# entries, each with a part of the cases, that run in parallel.
function(ompq_add_test_room name)
  cmake_parse_arguments(ROOM "TORCH" "PARTS" "LIBS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  ompq_order_sources(sources ${sources})
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE ompq_test_support ${ROOM_LIBS} GTest::gmock GTest::gtest_main ompq_flags)
  ompq_compile_cold(test_${name})
  # Programs need no position-independent code, and share precompiled headers with the support
  # library.
  set_target_properties(test_${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  ompq_batch_sources(test_${name} ${sources})
  if(ROOM_TORCH)
    ompq_use_precompiled(test_${name} ompq_precompiled_test_torch)
  else()
    ompq_use_precompiled(test_${name} ompq_precompiled_test)
  endif()
  if(NOT ROOM_LABELS)
    set(ROOM_LABELS unit)
  endif()
  if(NOT ROOM_PARTS)
    set(ROOM_PARTS 1)
  endif()
  foreach(part RANGE 1 ${ROOM_PARTS})
    set(entry ${name})
    if(ROOM_PARTS GREATER 1)
      set(entry ${name}_${part})
    endif()
    math(EXPR index "${part} - 1")
    add_test(NAME ${entry}
      COMMAND test_${name} --gtest_brief=1 --gtest_output=xml:${PROJECT_BINARY_DIR}/test-results/${entry}.xml)
    set_tests_properties(${entry} PROPERTIES LABELS "${ROOM_LABELS}" TIMEOUT 3600
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ROOM_PARTS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# Settings for fast builds: unity files, precompiled headers shared by all rooms, and a fast linker.
# docs/adr/0016-fast-builds.md has the measurements.
option(OMPQ_UNITY "Compile several sources of a room as one" ON)
option(OMPQ_PRECOMPILED "Compile the headers that most sources include once" ON)
set(OMPQ_UNITY_BYTES 60000 CACHE STRING "Approximate bytes of source per unity file")

# ompq_batch_sources(TARGET SOURCE...): groups sources into unity files of about OMPQ_UNITY_BYTES,
# which take about equally long to compile.
function(ompq_batch_sources target)
  if(NOT OMPQ_UNITY)
    return()
  endif()
  set(bytes 0)
  set(count 0)
  foreach(source ${ARGN})
    get_filename_component(source ${source} ABSOLUTE)
    if(EXISTS ${source})
      file(SIZE ${source} size)
      math(EXPR bytes "${bytes} + ${size}")
      math(EXPR count "${count} + 1")
    endif()
  endforeach()
  if(count EQUAL 0)
    return()
  endif()
  math(EXPR units "(${bytes} + ${OMPQ_UNITY_BYTES} / 2) / ${OMPQ_UNITY_BYTES}")
  if(units LESS 1)
    set(units 1)
  endif()
  math(EXPR batch "(${count} + ${units} - 1) / ${units}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
endfunction()

find_program(OMPQ_GOLD ld.gold)
if(OMPQ_GOLD)
  # Four times as fast as ld.bfd. Not mold (1.10): it may loop forever on a layout, and its programs may not start.
  add_link_options(-fuse-ld=gold)
endif()

# ompq_compile_cold(TARGET): less optimization for a target without performance-critical code.
function(ompq_compile_cold target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13
     AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
    # Which -O2 implies and -O1 does not: GCC does not use a precompiled header that differs in them.
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-munroll-only-small-loops>
                                             $<$<CONFIG:Release>:-mvzeroupper>)
  endif()
endfunction()

# ompq_order_sources(RESULT SOURCE...): sources that read or write JSON first, so that few unity files compile its
# templates.
function(ompq_order_sources result)
  set(first)
  set(rest)
  foreach(source ${ARGN})
    file(STRINGS ${source} json REGEX "^#include .*(nlohmann/|ompq/fields/(read|write)\\.h)" LIMIT_COUNT 1)
    if(json)
      list(APPEND first ${source})
    else()
      list(APPEND rest ${source})
    endif()
  endforeach()
  set(${result} ${first} ${rest} PARENT_SCOPE)
endfunction()

# ompq_add_precompiled(NAME HEADER [TARGETS...]): a target that owns a precompiled header. Its users must compile with
# the same options.
function(ompq_add_precompiled name header)
  if(NOT OMPQ_PRECOMPILED)
    return()
  endif()
  set(folder ${PROJECT_SOURCE_DIR}/cmake/precompiled)
  add_library(${name} OBJECT ${folder}/empty.cpp)
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_precompile_headers(${name} PRIVATE ${folder}/${header})
endfunction()

# ompq_use_precompiled(TARGET NAME)
function(ompq_use_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

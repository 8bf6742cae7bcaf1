# Arguments: BUILD (our build tree), SOURCE (the checkout), WORK (scratch folder), COMPILER,
# SANITIZE (a consumer of a sanitized library must be sanitized too), EXPECTED_VERSION.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "'${ARGN}' ended with ${status}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(prefix ${WORK}/installed)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

set(flags "")
if(SANITIZE)
  set(flags -fsanitize=${SANITIZE})
endif()
function(build project name)
  run(${CMAKE_COMMAND} -S ${project} -B ${WORK}/${name} -G Ninja -DCMAKE_CXX_COMPILER=${COMPILER}
      -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_C_FLAGS=${flags} -DCMAKE_PREFIX_PATH=${prefix} ${ARGN})
  run(${CMAKE_COMMAND} --build ${WORK}/${name})
endfunction()

# Only the public headers are installed.
file(GLOB headers RELATIVE ${SOURCE}/include ${SOURCE}/include/ompq/*.h)
list(APPEND headers ompq/ompq.h ompq.h)
list(SORT headers)
file(GLOB_RECURSE installed RELATIVE ${prefix}/include ${prefix}/include/*)
list(SORT installed)
if(NOT installed STREQUAL headers)
  message(FATAL_ERROR "installed are ${installed}, not ${headers}")
endif()

set(model ${SOURCE}/models/resnet20-fashion-mnist.onnx)
build(${SOURCE}/tests/consumer/project consumer -DC_PROGRAM=${SOURCE}/tests/c/use_interface.c)
run(${WORK}/consumer/consumer ${model})
if(NOT output MATCHES "^ompq ${EXPECTED_VERSION}\n2[0-9] layers\n$")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()

# The same in C.
run(${WORK}/consumer/c_consumer ${model})
if(NOT output MATCHES "^ompq ${EXPECTED_VERSION}\n$")
  message(FATAL_ERROR "the C consumer printed: ${output}")
endif()

# The example, as its README runs it, but for the options that make it quick.
build(${SOURCE}/examples/cpp example)
set(small ${WORK}/small.onnx)
run(${WORK}/example/quantize_fashion_mnist ${model} /usr/share/datasets/fashion-mnist ${small}
    allocator=size-only method=nearest beside=uniform samples=16)
file(SIZE ${small} bytes)
if(bytes GREATER 120000)
  message(FATAL_ERROR "the example wrote ${bytes} bytes, more than its budget")
endif()
foreach(row "float +1109069 bytes +9[0-9.]+ % top-1" "size-only +${bytes} bytes +[0-9.]+ % top-1"
        "uniform +[0-9]+ bytes +[0-9.]+ % top-1" "written file +${bytes} bytes +[0-9.]+ % top-1")
  if(NOT output MATCHES "\n${row}\n")
    message(FATAL_ERROR "the example printed no row like '${row}': ${output}")
  endif()
endforeach()

# The installed program finds its engine, and what describes it came along.
run(${prefix}/bin/ompq --version --verbose)
if(NOT output MATCHES "^ompq ${EXPECTED_VERSION}\nLibTorch ")
  message(FATAL_ERROR "the installed program printed: ${output}")
endif()
foreach(file share/man/man1/ompq.1 share/bash-completion/completions/ompq
        share/zsh/site-functions/_ompq)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()

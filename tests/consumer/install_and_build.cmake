# Arguments: BUILD (our build tree), PROJECT (the consumer), WORK (scratch folder), COMPILER,
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
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build -G Ninja -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_PREFIX_PATH=${prefix})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
if(NOT output MATCHES "^ompq ${EXPECTED_VERSION}: 1 node, 2x2 weights, 1536 bytes")
  message(FATAL_ERROR "the consumer printed: ${output}")
endif()

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

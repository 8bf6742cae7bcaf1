# Finds what the Python module is built with: an interpreter that has its headers and NumPy, and
# pybind11. Sets OMPQ_PYTHON_FOUND, and says what is missing where it is not.
#
# The first python3 on PATH need not be the one: beside the system's there may be another without
# headers or NumPy. So every python3 is asked, in the order of PATH, and the first that has both is
# taken; -DPython3_EXECUTABLE=... settles it by hand.
set(OMPQ_PYTHON_FOUND FALSE)

# ompq_python_can(RESULT INTERPRETER CODE): whether the interpreter runs the code to its end.
function(ompq_python_can result interpreter code)
  execute_process(COMMAND ${interpreter} -c "${code}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status STREQUAL "0")
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(ompq_find_interpreter)
  if(Python3_EXECUTABLE)
    return()
  endif()
  set(needed "import numpy, os, sys, sysconfig
assert sys.version_info >= (3, 11)
assert os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))")
  string(REPLACE ":" ";" folders "$ENV{PATH}:/usr/bin")
  foreach(folder ${folders})
    if(EXISTS ${folder}/python3)
      ompq_python_can(complete ${folder}/python3 "${needed}")
      if(complete)
        set(Python3_EXECUTABLE ${folder}/python3 CACHE FILEPATH "The interpreter that the module is built for")
        return()
      endif()
    endif()
  endforeach()
endfunction()

if(OMPQ_SANITIZE)
  message(STATUS "Python module: not built with sanitizers, which the interpreter lacks")
  return()
endif()
ompq_find_interpreter()
if(NOT Python3_EXECUTABLE)
  message(STATUS "Python module: not built; install python3-dev and python3-numpy (3.11 or newer)")
  return()
endif()
find_package(Python3 COMPONENTS Interpreter Development.Module QUIET)
find_package(pybind11 CONFIG QUIET)
if(NOT Python3_FOUND OR NOT pybind11_FOUND)
  message(STATUS "Python module: not built; install python3-dev and pybind11-dev")
  return()
endif()
set(OMPQ_PYTHON_FOUND TRUE)
ompq_python_can(OMPQ_PYTEST_FOUND ${Python3_EXECUTABLE} "import pytest")
message(STATUS "Python module: for ${Python3_EXECUTABLE} (${Python3_VERSION})")

# Where modules stand below a prefix. Debian answers with its local/, which the prefix itself says.
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c
          "import re, sysconfig; print(re.sub('^/(local/)?', '', sysconfig.get_path('platlib', vars={'base': '', 'platbase': ''})))"
  OUTPUT_VARIABLE OMPQ_PYTHON_SITE_FOUND OUTPUT_STRIP_TRAILING_WHITESPACE)
set(OMPQ_PYTHON_SITE ${OMPQ_PYTHON_SITE_FOUND} CACHE STRING "Folder of Python modules below the prefix")

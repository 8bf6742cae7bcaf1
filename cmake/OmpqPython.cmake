# Finds the dependencies of the Python module: an interpreter with headers and NumPy (and pytest if tests are built), and
# pybind11. Sets OMPQ_PYTHON_FOUND, or prints what is missing.
#
# The first python3 in PATH may be unsuitable: a virtual environment or pyenv may lack headers, NumPy or pytest. So every
# python3 is tried, in the order of PATH, and the first that has them all is used; -DPython3_EXECUTABLE=... overrides the
# choice. Headers and pybind11's settings are those of that interpreter.
set(OMPQ_PYTHON_FOUND FALSE)

# ompq_python_can(RESULT INTERPRETER CODE): true if the interpreter runs the code without error.
function(ompq_python_can result interpreter code)
  execute_process(COMMAND ${interpreter} -c "${code}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status STREQUAL "0")
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

# ompq_pybind11_fits(RESULT INTERPRETER): true if pybind11, the interpreter's own or else the system's, compiles with the
# interpreter's headers; old versions do not support new versions of Python.
function(ompq_pybind11_fits result interpreter)
  execute_process(
    COMMAND ${interpreter} -c "import sysconfig
print(sysconfig.get_path('include'))
try:
    import pybind11
    print(pybind11.get_include())
except ImportError:
    pass"
    OUTPUT_VARIABLE folders OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REGEX REPLACE "\n" ";" folders "${folders}")
  list(TRANSFORM folders PREPEND -I)
  set(source ${CMAKE_BINARY_DIR}/CMakeFiles/pybind11_fits.cpp)
  file(WRITE ${source} "#include <pybind11/embed.h>\n#include <pybind11/numpy.h>\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -w ${folders} ${source}
                  RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status STREQUAL "0")
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(ompq_find_interpreter)
  if(Python3_EXECUTABLE AND EXISTS ${Python3_EXECUTABLE})
    return()
  endif()
  unset(Python3_EXECUTABLE CACHE)  # of an environment that is gone
  set(needed "import numpy, os, sys, sysconfig
assert sys.version_info >= (3, 11)
assert os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))")
  if(OMPQ_TESTS)
    string(APPEND needed "\nimport pytest")
  endif()
  string(REPLACE ":" ";" folders "$ENV{PATH}:/usr/bin")
  list(REMOVE_DUPLICATES folders)
  foreach(folder ${folders})
    set(interpreter ${folder}/python3)
    if(EXISTS ${interpreter})
      ompq_python_can(complete ${interpreter} "${needed}")
      if(complete)
        ompq_pybind11_fits(complete ${interpreter})
      endif()
      if(complete)
        set(Python3_EXECUTABLE ${interpreter} CACHE FILEPATH "The interpreter that the module is built for")
        return()
      endif()
      message(STATUS "Python module: not for ${interpreter}, which lacks headers, NumPy, pytest, version 3.11 or a "
                     "compatible pybind11")
    endif()
  endforeach()
endfunction()

if(OMPQ_SANITIZE)
  message(STATUS "Python module: not built with sanitizers, which the interpreter does not support")
  return()
endif()
ompq_find_interpreter()
if(NOT Python3_EXECUTABLE)
  message(STATUS "Python module: not built; install python3-dev, python3-numpy, python3-pytest and pybind11-dev (Python 3.11 or newer)")
  return()
endif()
find_package(Python3 COMPONENTS Interpreter Development.Module QUIET)
execute_process(COMMAND ${Python3_EXECUTABLE} -m pybind11 --cmakedir
                OUTPUT_VARIABLE pybind11_folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(pybind11_folder)
  set(pybind11_ROOT ${pybind11_folder})
endif()
set(PYBIND11_FINDPYTHON ON)  # what was found above, not the first python3 in PATH
find_package(pybind11 CONFIG QUIET)
if(NOT Python3_FOUND OR NOT pybind11_FOUND)
  message(STATUS "Python module: not built; install python3-dev and pybind11-dev")
  return()
endif()
set(OMPQ_PYTHON_FOUND TRUE)
ompq_python_can(OMPQ_PYTEST_FOUND ${Python3_EXECUTABLE} "import pytest")
message(STATUS "Python module: for ${Python3_EXECUTABLE} (${Python3_VERSION})")

# The folder of modules below a prefix, without Debian's local/.
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c
          "import re, sysconfig; print(re.sub('^/(local/)?', '', sysconfig.get_path('platlib', vars={'base': '', 'platbase': ''})))"
  OUTPUT_VARIABLE OMPQ_PYTHON_SITE_FOUND OUTPUT_STRIP_TRAILING_WHITESPACE)
set(OMPQ_PYTHON_SITE ${OMPQ_PYTHON_SITE_FOUND} CACHE STRING "Folder of Python modules below the prefix")

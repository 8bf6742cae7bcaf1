# Finds the interpreter that the Python module is installed for, and with which its stub is written and its tests run. The
# module is plain Python for any version from 3.9 on. Sets OMPQ_PYTHON_FOUND, or prints what is missing.
#
# The first python3 in PATH may be unsuitable: a virtual environment or pyenv may lack NumPy or pytest. So every python3 is
# tried, in the order of PATH, and the first that has them all is used; -DPython3_EXECUTABLE=... overrides the choice.
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

function(ompq_find_interpreter)
  if(Python3_EXECUTABLE AND EXISTS ${Python3_EXECUTABLE})
    return()
  endif()
  unset(Python3_EXECUTABLE CACHE)  # of an environment that is gone
  set(needed "import sys\nassert sys.version_info >= (3, 9)")
  if(OMPQ_TESTS)
    string(APPEND needed "\nassert sys.version_info >= (3, 11)\nimport numpy, pytest")
  endif()
  string(REPLACE ":" ";" folders "$ENV{PATH}:/usr/bin")
  list(REMOVE_DUPLICATES folders)
  foreach(folder ${folders})
    set(interpreter ${folder}/python3)
    if(EXISTS ${interpreter})
      ompq_python_can(complete ${interpreter} "${needed}")
      if(complete)
        set(Python3_EXECUTABLE ${interpreter} CACHE FILEPATH "The interpreter that the module is installed for")
        return()
      endif()
      message(STATUS "Python module: not for ${interpreter}, which is too old or lacks NumPy or pytest")
    endif()
  endforeach()
endfunction()

if(OMPQ_SANITIZE)
  message(STATUS "Python module: not built with sanitizers, which the interpreter does not support")
  return()
endif()
ompq_find_interpreter()
if(NOT Python3_EXECUTABLE)
  message(STATUS "Python module: not built; install Python 3.9 or newer; for the tests, 3.11 or newer with NumPy and pytest (python3-numpy, python3-pytest)")
  return()
endif()
find_package(Python3 COMPONENTS Interpreter REQUIRED)
set(OMPQ_PYTHON_FOUND TRUE)
ompq_python_can(OMPQ_PYTEST_FOUND ${Python3_EXECUTABLE} "import pytest")
message(STATUS "Python module: for ${Python3_EXECUTABLE} (${Python3_VERSION})")

# The folder of modules below a prefix, without Debian's local/.
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c
          "import re, sysconfig; print(re.sub('^/(local/)?', '', sysconfig.get_path('platlib', vars={'base': '', 'platbase': ''})))"
  OUTPUT_VARIABLE OMPQ_PYTHON_SITE_FOUND OUTPUT_STRIP_TRAILING_WHITESPACE)
set(OMPQ_PYTHON_SITE ${OMPQ_PYTHON_SITE_FOUND} CACHE STRING "Folder of Python modules below the prefix")

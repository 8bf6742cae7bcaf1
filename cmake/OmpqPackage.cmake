# Debian packages (`make deb`): ompq, libompqX.Y, libompq-dev and python3-ompq. Dependencies on libraries are found in the files.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ompq)
set(CPACK_PACKAGE_VENDOR ompq)
set(CPACK_PACKAGE_CONTACT "The ompq maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL program library dev python)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(exactly "(= ${PROJECT_VERSION})")
set(library_package libompq${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME ompq)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "Mixed-precision quantization of ONNX networks under a budget\n\
Chooses the bit-width of each layer of a trained network under a budget (file size,\n\
operations, latency), quantizes it, and writes an ONNX file of that size.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "Mixed-precision quantization of ONNX networks (shared library)")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libompq-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${library_package} ${exactly}")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Mixed-precision quantization of ONNX networks (headers)\nHeaders and a CMake package for C++ and C programs.")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-ompq)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "ompq ${exactly}, python3 (>= 3.9)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS python3-numpy)
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/deb/postinst ${PROJECT_SOURCE_DIR}/packaging/deb/prerm)
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "Mixed-precision quantization of ONNX networks (Python module)")

include(CPack)

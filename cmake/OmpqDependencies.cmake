# Every third-party part, found once. Rooms name the targets defined here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
# Debian's package file for oneDNN asks for OpenCL, which only its GPU engine needs.
find_path(OMPQ_DNNL_INCLUDE dnnl.hpp REQUIRED)
find_library(OMPQ_DNNL_LIBRARY dnnl REQUIRED)
add_library(ompq_dnnl INTERFACE)
target_include_directories(ompq_dnnl SYSTEM INTERFACE ${OMPQ_DNNL_INCLUDE})
target_link_libraries(ompq_dnnl INTERFACE ${OMPQ_DNNL_LIBRARY})
find_package(OpenMP REQUIRED)
# LibTorch's own package file adds compiler flags and searches for CUDA; the targets are all we need.
set(CMAKE_CUDA_COMPILER "")
find_package(Torch REQUIRED)
pkg_check_modules(CBC REQUIRED IMPORTED_TARGET cbc)
pkg_check_modules(CLP REQUIRED IMPORTED_TARGET clp)

add_library(ompq_onnx_proto INTERFACE)
find_library(OMPQ_ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
target_compile_definitions(ompq_onnx_proto INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)
target_link_libraries(ompq_onnx_proto INTERFACE ${OMPQ_ONNX_PROTO_LIBRARY} protobuf::libprotobuf)

find_program(OMPQ_CCACHE ccache)
if(OMPQ_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${OMPQ_CCACHE})
endif()

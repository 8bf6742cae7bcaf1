# `cmake --install`: program, engine, shared library, public headers, package files, man page and
# completion.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ompq)

# ompq_public_headers(RESULT): headers below src/ that a consumer can include with only the shared library. Headers that
# include a third-party library, directly or through others, are not installed.
function(ompq_public_headers result)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src
       ${PROJECT_SOURCE_DIR}/src/ompq/*.h)
  set(third_party "^#include <(ATen|torch|c10|onnx|google|dnnl|coin|nlohmann|jpeglib|png|zlib|omp)[./]")
  set(changed TRUE)
  while(changed)
    set(changed FALSE)
    foreach(header ${headers})
      file(STRINGS ${PROJECT_SOURCE_DIR}/src/${header} includes REGEX "^#include ")
      foreach(line ${includes})
        string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" included "${line}")
        if(line MATCHES "${third_party}" OR included IN_LIST private)
          list(REMOVE_ITEM headers ${header})
          list(APPEND private ${header})
          set(changed TRUE)
          break()
        endif()
      endforeach()
    endforeach()
  endwhile()
  set(${result} ${headers} PARENT_SCOPE)
endfunction()

ompq_public_headers(public_headers)
foreach(header ${public_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/generated/ompq/core/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ompq/core)

install(TARGETS ompq EXPORT ompqTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT ompqTargets NAMESPACE ompq:: DESTINATION ${package_dir})
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/ompqConfig.cmake.in ${PROJECT_BINARY_DIR}/ompqConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ompqConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ompqConfig.cmake ${PROJECT_BINARY_DIR}/ompqConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# `cmake --install`: program, engine, shared library, public headers, package files, man page and
# completion.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ompq)

install(DIRECTORY include/ompq DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(FILES include/ompq.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(FILES ${PROJECT_BINARY_DIR}/generated/ompq/ompq.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ompq COMPONENT dev)

install(TARGETS ompq EXPORT ompqTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT dev)
install(EXPORT ompqTargets NAMESPACE ompq:: DESTINATION ${package_dir} COMPONENT dev)
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/ompqConfig.cmake.in ${PROJECT_BINARY_DIR}/ompqConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ompqConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ompqConfig.cmake ${PROJECT_BINARY_DIR}/ompqConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT dev)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

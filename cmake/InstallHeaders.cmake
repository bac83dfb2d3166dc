# SPDX-License-Identifier: Apache-2.0
# What those who write drivers as plug-ins build against (docs/drivers.md): the headers, a CMake package with the one target
# cowshed::plugin, and the same for pkg-config. Nothing is linked: a plug-in finds the rest in the program that loads it.
include(CMakePackageConfigHelpers)

set(COWSHED_HEADERS base/error.h base/fd.h base/file.h base/guard_report.h base/ids.h base/units.h io/extent.h
    pools/capability.h pools/guest_device.h pools/image_format.h pools/operation.h pools/plugin.h pools/pool.h pools/tree.h
    pools/volume.h pools/warm_layers.h)
set(COWSHED_HEADER_DIR ${CMAKE_INSTALL_INCLUDEDIR}/cowshed)
foreach(header ${COWSHED_HEADERS})
  get_filename_component(floor ${header} DIRECTORY)
  install(FILES src/${header} DESTINATION ${COWSHED_HEADER_DIR}/${floor} COMPONENT devel)
endforeach()

set(COWSHED_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cowshed)
configure_package_config_file(cmake/cowshedConfig.cmake.in cowshedConfig.cmake
  INSTALL_DESTINATION ${COWSHED_CMAKE_DIR} PATH_VARS COWSHED_HEADER_DIR)
write_basic_package_version_file(cowshedConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cowshedConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/cowshedConfigVersion.cmake
  DESTINATION ${COWSHED_CMAKE_DIR} COMPONENT devel)

# Where architectures have no part in it, as the headers have none.
configure_file(cmake/cowshed.pc.in cowshed.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cowshed.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT devel)

# SPDX-License-Identifier: Apache-2.0
# Debian packages by cpack: cowshed, and cowshed-dev for those who write drivers.
#   cmake --build BUILD --target deb     what they need, and the packages, into BUILD
set(COWSHED_PACKAGE_MAINTAINER "cowshed <cowshed@packages.invalid>" CACHE STRING "Who made the package: Name <address>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cowshed)
set(CPACK_PACKAGE_VENDOR cowshed)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_ALL runtime devel)
set(CPACK_STRIP_FILES ON)
# Installed as if into /usr, so that what names paths names the right ones.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${COWSHED_PACKAGE_MAINTAINER})
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME cowshed)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "udev, qemu-utils")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "bash-completion, lvm2")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "disks of virtual machines, by device-mapper
cowshed keeps images, starts many virtual machines from one template without
copying it, and hands each its block devices. A template can be changed while
virtual machines run from it: they go on seeing what they started with, and
see the new state after their next start.
.
It talks to device-mapper and loop devices directly, with the storage model of
Qubes OS.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
    ${CMAKE_CURRENT_LIST_DIR}/postrm)

set(CPACK_DEBIAN_DEVEL_PACKAGE_NAME cowshed-dev)
set(CPACK_DEBIAN_DEVEL_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVEL_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEVEL_PACKAGE_SUGGESTS "cowshed (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEVEL_DESCRIPTION "disks of virtual machines (headers for drivers)
What a driver for cowshed is built against, which keeps the disks of virtual
machines in a way of its own: headers, a CMake package and a file for
pkg-config.")

# Debian compresses manuals and has its own copy of the licence.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/finish.cmake)
set(CPACK_COWSHED_DEBIAN_DIR ${CMAKE_CURRENT_LIST_DIR})
include(CPack)

add_custom_target(deb COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${CMAKE_BINARY_DIR}/CPackConfig.cmake
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} VERBATIM)
add_dependencies(deb cowshed)
if(TARGET man)
  add_dependencies(deb man)
endif()

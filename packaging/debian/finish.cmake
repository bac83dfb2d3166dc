# SPDX-License-Identifier: Apache-2.0
# Run by cpack when all is installed into its directory and before packages are made of it: what Debian wants otherwise.
file(GLOB packages LIST_DIRECTORIES true ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
foreach(package ${packages})
  get_filename_component(component ${package} NAME)
  if(component STREQUAL runtime)
    set(doc ${package}/usr/share/doc/cowshed)
  else()
    set(doc ${package}/usr/share/doc/cowshed-dev)
  endif()
  file(REMOVE ${doc}/LICENSE)
  configure_file(${CPACK_COWSHED_DEBIAN_DIR}/copyright ${doc}/copyright COPYONLY NO_SOURCE_PERMISSIONS)
  configure_file(${CPACK_COWSHED_DEBIAN_DIR}/changelog ${doc}/changelog COPYONLY NO_SOURCE_PERMISSIONS)
  file(GLOB manuals ${package}/usr/share/man/man*/*.[0-9])
  # -n: no date in it, so that the same content makes the same package.
  execute_process(COMMAND gzip -9n ${doc}/changelog ${manuals} COMMAND_ERROR_IS_FATAL ANY)
  # Whatever umask there was.
  file(CHMOD_RECURSE ${package} DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()

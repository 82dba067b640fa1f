# Install: the library, its headers, find_package(gristmill) and gristmill.pc: the component `development`. All of it may be
# moved after the install. The component `program` is in program/install.cmake.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(GRISTMILL_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/gristmill)
install(TARGETS gristmill_core EXPORT gristmill
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT gristmill NAMESPACE gristmill:: FILE gristmill-targets.cmake DESTINATION ${GRISTMILL_PACKAGE_DIR}
        COMPONENT development)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gristmill-config.cmake.in gristmill-config.cmake
                              INSTALL_DESTINATION ${GRISTMILL_PACKAGE_DIR})
# Before 1.0 a minor version may break its users, so only the same minor version is taken for compatible.
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file(gristmill-config-version.cmake COMPATIBILITY ${compatibility})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gristmill-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/gristmill-config-version.cmake
        DESTINATION ${GRISTMILL_PACKAGE_DIR} COMPONENT development)

# pkg-config resolves ${pcfiledir} when it is asked, so the prefix is written relative to the .pc file.
file(RELATIVE_PATH GRISTMILL_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" GRISTMILL_PC_PREFIX "${GRISTMILL_PC_PREFIX}")
set(GRISTMILL_PC_CFLAGS "")
if(GRISTMILL_STD_FALLBACK)
  set(GRISTMILL_PC_CFLAGS " -DGRISTMILL_STD_FALLBACK=1")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/gristmill.pc.in gristmill.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gristmill.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# Each component brings what is to be read.
foreach(component IN ITEMS development program)
  install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/LICENSE
          DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT ${component})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/guide DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT ${component})
endforeach()

# Debian's packages, by CPack: gristmill (the program) and libgristmill-dev (the library). `cmake --workflow --preset package`
# builds both; docs/guide/packages.md is the user's page. Not by debhelper: this way the rules of `cmake --install` are the only
# ones, and whoever can build the program can build its package.
set(GRISTMILL_MAINTAINER "gristmill maintainers <maintainers@gristmill.invalid>" CACHE STRING
    "Who answers for the packages: NAME <ADDRESS>")
set(GRISTMILL_PACKAGE_RELEASE 1 CACHE STRING "The number behind the version, for packages of the same sources")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gristmill)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else the project's own would open the description of both
set(CPACK_PACKAGE_CONTACT "${GRISTMILL_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL development)
if(TARGET gristmill_program)
  list(APPEND CPACK_COMPONENTS_ALL program)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${GRISTMILL_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME gristmill)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
# The program loads libpq itself (program/late_libpq.cpp), so that nobody finds it by what is linked. 14 has the pipeline mode.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "libpq5 (>= 14~~)")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "postgresql, bash-completion")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${packaging}/postinst ${packaging}/prerm ${packaging}/postrm)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "runs many commands, several at a time, and survives a crash
A list of things to do becomes a run: a command for each argument, line or
file, as many at a time as there are processors, with the flags of GNU
parallel. A journal is kept, so that a run that was killed goes on where it
was.
.
A queue becomes a service: jobs are put into an SQLite file or into
PostgreSQL, and crews on one machine or many run them, with retries,
priorities, limits, schedules and logs. This package has systemd units for
them.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libgristmill-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# For durable jobs; the pool alone needs none of it.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "libsqlite3-dev, libpq-dev, libhowardhinnant-date-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "cmake, pkgconf")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "worker pool and durable jobs for C++20: headers and static libraries
Go-style channels, select, context and a pool. Every object serves plain
threads, which block, and coroutines, which co_await; the same code runs on
virtual time, so that a crew's working day is tested in milliseconds.
.
Durable jobs stand on it: typed handlers, retries, limits and schedules, in
an SQLite file or in PostgreSQL.
.
Coroutines need clang 16 or g++ 13; with g++ 12 use the threads' side.")

# What is Debian's alone is done to the installed tree just before it is packed, and the time of all that is packed is that of
# the sources, so that the same sources give the same packages.
set(CPACK_PROJECT_CONFIG_FILE ${packaging}/source_date.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${packaging}/debian_layout.cmake)
set(CPACK_GRISTMILL_PACKAGING ${packaging})
include(CPack)

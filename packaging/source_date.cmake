# Read by CPack before it does anything. SOURCE_DATE_EPOCH is what reproducible-builds.org defines; where it is not set, it is the
# time of the last commit, or, outside of a checkout, of the changelog.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  set(sources ${CPACK_GRISTMILL_PACKAGING}/..)
  execute_process(COMMAND git -C ${sources} log -1 --format=%ct OUTPUT_VARIABLE seconds OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET)
  if(NOT seconds)
    file(TIMESTAMP ${sources}/CHANGELOG.md seconds "%s" UTC)
  endif()
  set(ENV{SOURCE_DATE_EPOCH} ${seconds})
endif()

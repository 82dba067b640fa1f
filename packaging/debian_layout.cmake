# Run by CPack on the installed trees, one for each package, before they are packed: gives them what Debian's policy asks for
# and an ordinary installation has otherwise.
set(folder_of_program gristmill)
set(folder_of_development libgristmill-dev)

function(compress file)
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# policy 12.5, 12.7: copyright in place of LICENSE; the changelogs compressed.
function(lay_out_documents component tree)
  set(folder ${tree}/share/doc/${folder_of_${component}})
  if(NOT component STREQUAL program)  # two packages cannot have the same file
    file(RENAME ${tree}/share/doc/gristmill ${folder})
  endif()
  file(REMOVE ${folder}/LICENSE)
  file(COPY ${CPACK_GRISTMILL_PACKAGING}/copyright DESTINATION ${folder})
  file(RENAME ${folder}/CHANGELOG.md ${folder}/changelog)
  compress(${folder}/changelog)
  execute_process(COMMAND env LC_ALL=C date --utc --rfc-email --date=@$ENV{SOURCE_DATE_EPOCH} OUTPUT_VARIABLE date
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  configure_file(${CPACK_GRISTMILL_PACKAGING}/changelog.Debian.in ${folder}/changelog.Debian @ONLY)
  compress(${folder}/changelog.Debian)
endfunction()

foreach(component IN ITEMS development program)
  set(tree ${CPACK_TEMPORARY_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX})
  if(EXISTS ${tree})
    lay_out_documents(${component} ${tree})
    file(GLOB pages ${tree}/share/man/man1/*.1)
    foreach(page IN LISTS pages)
      compress(${page})
    endforeach()
    # Debian's zsh looks into its own folder for what comes from packages.
    if(EXISTS ${tree}/share/zsh/site-functions)
      file(RENAME ${tree}/share/zsh/site-functions ${tree}/share/zsh/vendor-completions)
    endif()
    # CPack makes folders by the umask of whoever packs.
    execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_DIRECTORY}/${component} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()

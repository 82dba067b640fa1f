# What is installed of the program, the component `program`. It finds nothing by a path of this checkout: SQL and pages are in it.
include(GNUInstallDirs)
install(TARGETS gristmill_program DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)

# The man pages and completions, as the program itself writes them.
set(texts ${CMAKE_CURRENT_BINARY_DIR}/texts)
add_custom_command(OUTPUT ${texts}/complete
                   COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:gristmill_program> -DINTO=${texts}
                           -P ${CMAKE_CURRENT_SOURCE_DIR}/write_texts.cmake
                   DEPENDS gristmill_program write_texts.cmake VERBATIM)
add_custom_target(gristmill_texts ALL DEPENDS ${texts}/complete)
install(DIRECTORY ${texts}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT program)
install(FILES ${texts}/gristmill.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME gristmill
        COMPONENT program)
install(FILES ${texts}/gristmill.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _gristmill COMPONENT program)
install(FILES ${texts}/gristmill.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)

# systemd looks below /usr and /usr/local, in lib whatever the system's libraries are in.
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
install(FILES ${packaging}/gristmill-work@.service DESTINATION lib/systemd/system COMPONENT program)
install(FILES ${packaging}/gristmill.sysusers DESTINATION lib/sysusers.d RENAME gristmill.conf COMPONENT program)
install(FILES ${packaging}/worker.conf ${packaging}/hardening.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        COMPONENT program)

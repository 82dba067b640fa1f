# cmake -DPROGRAM=gristmill -DINTO=FOLDER -P write_texts.cmake: the program's man pages in FOLDER/man1, a page for each verb
# that the first of them lists, and its completions, gristmill.SHELL.
file(REMOVE_RECURSE ${INTO})
file(MAKE_DIRECTORY ${INTO}/man1)

function(write file)
  execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${INTO}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

write(man1/gristmill.1 help --man gristmill)
file(READ ${INTO}/man1/gristmill.1 page)
string(REGEX MATCHALL "gristmill\\\\-[a-z]+" names "${page}")
list(REMOVE_DUPLICATES names)
foreach(name IN LISTS names)
  string(REPLACE "\\-" "-" name ${name})
  write(man1/${name}.1 help --man ${name})
endforeach()
foreach(shell IN ITEMS bash zsh fish)
  write(gristmill.${shell} completion ${shell})
endforeach()
file(TOUCH ${INTO}/complete)

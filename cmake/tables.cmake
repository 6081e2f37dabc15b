# Tables that people edit (data/<room>/*.tsv, and files that pages need) become texts in the program: data/classify/verbs.tsv is
# put, word for word, into a generated source of the room. A change of a table builds that one file anew.
function(callgate_tables room)
  file(GLOB tables CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/${room}/*.tsv
    ${CMAKE_SOURCE_DIR}/data/${room}/*.css ${CMAKE_SOURCE_DIR}/data/${room}/*.js)
  set(lines "")
  foreach(table IN LISTS tables)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
    get_filename_component(name ${table} NAME_WE)
    file(READ ${table} text)
    # A literal may be no longer than 64 KiB everywhere, so each line is one.
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\t" "\\t" text "${text}")
    string(REPLACE "\n" "\\n\"\n  \"" text "${text}")
    string(APPEND lines "{\"${name}\",\n  \"${text}\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/tables/${room}_tables.inc CONTENT "${lines}" @ONLY)
  set(CALLGATE_TABLES_DIR ${CMAKE_BINARY_DIR}/tables PARENT_SCOPE)
endfunction()

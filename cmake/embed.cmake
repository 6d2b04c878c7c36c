# SPDX-License-Identifier: Apache-2.0
# gyr_embed(TARGET FILE NAME): makes the bytes of FILE part of TARGET. NAME.h, in the target's generated
# folder, declares std::string_view gyr::embedded::NAME(). Used as a script too: cmake -DINPUT= -DOUTPUT= -DNAME= -P.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "((0x..,){20})" "\\1\n" bytes "${bytes}")
  file(WRITE "${OUTPUT}" "// SPDX-License-Identifier: Apache-2.0
// Made by cmake/embed.cmake; do not edit.
#include \"embedded/${NAME}.h\"

namespace {
constexpr unsigned char kBytes[] = {
${bytes} 0};
}

namespace gyr::embedded {
std::string_view ${NAME}() { return {reinterpret_cast<const char*>(kBytes), ${size}}; }
}  // namespace gyr::embedded
")
  return()
endif()

set(GYR_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(gyr_embed target file name)
  set(folder ${PROJECT_BINARY_DIR}/generated)
  file(CONFIGURE OUTPUT ${folder}/embedded/${name}.h CONTENT
"// SPDX-License-Identifier: Apache-2.0
// Made by cmake/embed.cmake; do not edit.
#pragma once

#include <string_view>

namespace gyr::embedded {
std::string_view ${name}();
}
")
  add_custom_command(OUTPUT ${folder}/embedded/${name}.cpp
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${folder}/embedded/${name}.cpp -DNAME=${name} -P ${GYR_EMBED_SCRIPT}
    DEPENDS ${file} ${GYR_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${folder}/embedded/${name}.cpp)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()

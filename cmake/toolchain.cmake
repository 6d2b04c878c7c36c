# SPDX-License-Identifier: Apache-2.0
# Warnings, ccache and mold for every target of ours.
find_program(GYR_CCACHE ccache)
if(GYR_CCACHE)
  # Without these words ccache passes by whatever uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${GYR_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${GYR_CCACHE})
endif()
find_program(GYR_MOLD mold)
if(GYR_MOLD AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # A register more is worth some percent of the time of an event.
  $<$<NOT:$<CONFIG:Release>>:-fno-omit-frame-pointer>)
# The reproducible build knows no absolute path. Link-time optimization writes debug information too.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_link_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

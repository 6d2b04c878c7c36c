# SPDX-License-Identifier: Apache-2.0
# The kernel side of live capture: clang compiles probe/gyr.bpf.c, bpftool turns the object into a header that
# src/source/live.cpp loads. The build machine's own kernel plays no part.
#
# gyr_add_probe(target): the target gets the header, libbpf and GYR_PROBE=1.
function(gyr_add_probe target)
  find_program(GYR_BPF_CLANG NAMES clang-14 clang REQUIRED)
  find_program(GYR_BPFTOOL NAMES bpftool PATHS /usr/sbin /usr/local/sbin REQUIRED)
  find_library(GYR_LIBBPF bpf REQUIRED)
  find_library(GYR_LIBELF elf REQUIRED)
  if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    message(FATAL_ERROR "GYR_PROBE: live capture supports x86_64 only; configure with -DGYR_PROBE=OFF")
  endif()
  set(dir ${PROJECT_BINARY_DIR}/probe)
  set(object ${dir}/gyr.bpf.o)
  set(skeleton ${dir}/gyr.skel.h)
  file(GLOB inputs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/probe/*.h)
  list(APPEND inputs ${PROJECT_SOURCE_DIR}/src/schema/events.def ${PROJECT_SOURCE_DIR}/src/schema/collect.def
       ${PROJECT_SOURCE_DIR}/src/schema/flags.def ${PROJECT_SOURCE_DIR}/src/value/types.def)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
    COMMAND ${GYR_BPF_CLANG} -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -Wall -Werror
            -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/probe
            -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -c ${PROJECT_SOURCE_DIR}/probe/gyr.bpf.c -o ${object}
    DEPENDS ${PROJECT_SOURCE_DIR}/probe/gyr.bpf.c ${inputs}
    COMMENT "Compiling the eBPF probe" VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${GYR_BPFTOOL} gen skeleton ${object} name gyr_probe > ${skeleton}
    DEPENDS ${object} COMMENT "Generating the probe's skeleton" VERBATIM)
  add_custom_target(${target}_probe DEPENDS ${skeleton})
  add_dependencies(${target} ${target}_probe)
  target_include_directories(${target} SYSTEM PRIVATE ${dir})
  target_compile_definitions(${target} PRIVATE GYR_PROBE=1)
  target_link_libraries(${target} PUBLIC ${GYR_LIBBPF} ${GYR_LIBELF} ZLIB::ZLIB)
endfunction()

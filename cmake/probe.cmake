# SPDX-License-Identifier: Apache-2.0
# The kernel side of live capture: clang compiles probe/gyr.bpf.c, bpftool turns the object into a header that
# src/source/live.cpp loads. The build machine's own kernel plays no part. There are two objects of the one source
# (probe/reading.h): gyr_probe, and gyr_portable for kernels that refuse it. A third, gyr_iter, lists threads and
# descriptors (probe/iter.bpf.c).
#
# gyr_add_probe(target): the target gets the header, libbpf and GYR_PROBE=1.
function(gyr_add_probe target)
  find_program(GYR_BPF_CLANG NAMES clang-14 clang REQUIRED)
  find_program(GYR_BPFTOOL NAMES bpftool PATHS /usr/sbin /usr/local/sbin REQUIRED)
  find_library(GYR_LIBBPF bpf REQUIRED)
  find_library(GYR_LIBELF elf REQUIRED)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    set(machine x86)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    set(machine arm64)
  else()
    message(FATAL_ERROR "GYR_PROBE: live capture supports x86_64 and aarch64; configure with -DGYR_PROBE=OFF")
  endif()
  set(dir ${PROJECT_BINARY_DIR}/probe)
  set(names gyr_probe gyr_portable gyr_iter)
  set(sources gyr.bpf.c gyr.bpf.c iter.bpf.c)
  set(typeds 1 0 0)
  find_path(GYR_BPF_INCLUDE asm/types.h PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} REQUIRED)
  file(GLOB inputs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/probe/*.h)
  list(APPEND inputs ${PROJECT_SOURCE_DIR}/src/schema/events.def ${PROJECT_SOURCE_DIR}/src/schema/collect.def
       ${PROJECT_SOURCE_DIR}/src/schema/critical.def ${PROJECT_SOURCE_DIR}/src/schema/syscalls.def
       ${PROJECT_SOURCE_DIR}/src/schema/flags.def ${PROJECT_SOURCE_DIR}/src/value/types.def)
  foreach(name source typed IN ZIP_LISTS names sources typeds)
    set(object ${dir}/${name}.bpf.o)
    add_custom_command(
      OUTPUT ${dir}/${name}.skel.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
      COMMAND ${GYR_BPF_CLANG} -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_${machine} -DGYR_TYPED=${typed} -Wall -Werror
              -I${GYR_BPF_INCLUDE} -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/probe
              -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -c ${PROJECT_SOURCE_DIR}/probe/${source} -o ${object}.full
      COMMAND ${GYR_BPFTOOL} gen object ${object} ${object}.full  # without what only debuggers read
      COMMAND ${GYR_BPFTOOL} gen skeleton ${object} name ${name} > ${dir}/${name}.skel.h
      DEPENDS ${PROJECT_SOURCE_DIR}/probe/${source} ${inputs}
      COMMENT "Compiling the eBPF probe ${name}" VERBATIM)
  endforeach()
  add_custom_target(${target}_probe DEPENDS ${dir}/gyr_probe.skel.h ${dir}/gyr_portable.skel.h
                    ${dir}/gyr_iter.skel.h)
  add_dependencies(${target} ${target}_probe)
  target_include_directories(${target} SYSTEM PRIVATE ${dir})
  target_compile_definitions(${target} PRIVATE GYR_PROBE=1)
  target_link_libraries(${target} PUBLIC ${GYR_LIBBPF} ${GYR_LIBELF} ZLIB::ZLIB)
endfunction()

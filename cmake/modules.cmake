# SPDX-License-Identifier: Apache-2.0
# One static library per line of modules.txt, linked to just the modules its line names. A line may name only
# lines above it: a cycle cannot be written.
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(yaml-cpp REQUIRED)
find_library(GYR_RE2 re2 REQUIRED)
find_library(GYR_LIBYAML yaml REQUIRED)
find_library(GYR_NGHTTP2 nghttp2 REQUIRED)
find_library(GYR_HTTPLIB cpp-httplib REQUIRED)
find_package(OpenSSL REQUIRED)
find_library(GYR_MD md REQUIRED)

# Third-party libraries, by the module that uses them; what many modules use stands with base.
set(GYR_LIBS_base fmt::fmt spdlog::spdlog Threads::Threads absl::flat_hash_map absl::flat_hash_set ZLIB::ZLIB ${CMAKE_DL_LIBS})
set(GYR_LIBS_yaml ${GYR_LIBYAML} yaml-cpp)
# libcurl, libnats and librdkafka are loaded at run time (src/base/shared_library.h); only their headers are needed here.
set(GYR_LIBS_alert nlohmann_json::nlohmann_json)
set(GYR_LIBS_field ${GYR_RE2})
set(GYR_LIBS_vm ${GYR_RE2})
set(GYR_LIBS_config nlohmann_json::nlohmann_json)
set(GYR_LIBS_container nlohmann_json::nlohmann_json)
set(GYR_LIBS_container_api ${GYR_NGHTTP2})
set(GYR_LIBS_metrics ${GYR_MD})
set(GYR_LIBS_web ${GYR_HTTPLIB} OpenSSL::SSL)
set(GYR_LIBS_rules nlohmann_json::nlohmann_json)
set(GYR_LIBS_check nlohmann_json::nlohmann_json)
set(GYR_LIBS_app ${GYR_RE2} nlohmann_json::nlohmann_json)

# What most sources include is parsed once for all of them. It is a matter of time only: every source includes what
# it uses, which the release build, the fuzzers' and clang-tidy's show, for they do without.
set(GYR_COMMON_HEADERS <algorithm> <array> <charconv> <cstdint> <cstring> <functional> <map> <memory> <optional> <span>
    <string> <string_view> <unordered_map> <utility> <variant> <vector>)

include(cmake/probe.cmake)

function(gyr_add_modules)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/modules.txt)
  file(STRINGS modules.txt lines REGEX "^[a-z0-9_]+:")
  set(known)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z0-9_]+):(.*)$" _ "${line}")
    set(name ${CMAKE_MATCH_1})
    string(STRIP "${CMAKE_MATCH_2}" uses)
    separate_arguments(uses)
    file(GLOB sources CONFIGURE_DEPENDS src/${name}/*.cpp src/${name}/sinks/*.cpp src/${name}/*.c)
    if(name STREQUAL "source" AND NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
      list(FILTER sources EXCLUDE REGEX "/ptrace[^/]*$")  # it knows the registers of x86-64; no_ptrace.cpp says so
    endif()
    set(kind PUBLIC)
    if(sources)
      add_library(gyr_${name} STATIC ${sources})
    else()
      add_library(gyr_${name} INTERFACE)
      set(kind INTERFACE)
    endif()
    target_include_directories(gyr_${name} ${kind} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    foreach(use IN LISTS uses)
      if(NOT use IN_LIST known)
        message(FATAL_ERROR "modules.txt: ${name} names ${use}, which is not a line above it")
      endif()
      target_link_libraries(gyr_${name} ${kind} gyr_${use})
    endforeach()
    target_link_libraries(gyr_${name} ${kind} ${GYR_LIBS_${name}})
    if(name STREQUAL "base")
      target_precompile_headers(gyr_base PRIVATE ${GYR_COMMON_HEADERS} <fmt/format.h>)
    elseif(sources)
      target_precompile_headers(gyr_${name} REUSE_FROM gyr_base)
    endif()
    if(name STREQUAL "web")
      # As Debian's library was built: the layout of its classes depends on it.
      set_source_files_properties(src/web/server.cpp PROPERTIES COMPILE_DEFINITIONS
                                  "CPPHTTPLIB_OPENSSL_SUPPORT;CPPHTTPLIB_ZLIB_SUPPORT;CPPHTTPLIB_BROTLI_SUPPORT")
    endif()
    if(name STREQUAL "source")
      # What both sides of the ring share; code that no probe is built for includes it too.
      target_include_directories(gyr_source PRIVATE ${PROJECT_SOURCE_DIR}/probe)
      # The probe's code outside of the kernel: it writes numbers to any address.
      set_source_files_properties(src/source/ptrace_collect.c PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                                  COMPILE_OPTIONS "-std=gnu11;-fno-strict-aliasing;-fno-sanitize=alignment")
      if(GYR_PROBE)
        gyr_add_probe(gyr_source)
      endif()
    endif()
    list(APPEND known ${name})
  endforeach()
endfunction()

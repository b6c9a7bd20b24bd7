# SPDX-License-Identifier: MIT
#
# kintsugi_device_kernels(NAME BUILD SOURCES...): an object library of kernel files (.cu), for
#
#   cuda     nvcc, for sm_80 and sm_90a
#   plain    the emulator
#   race     the emulator with the race detector: -fsanitize=thread calls kernels/emulator/hooks.cpp
#   asan     the emulator with the address and undefined-behaviour sanitizers
#
# The sources are the same. In an emulated build the emulator's headers stand first in the search
# for "kernels/device/<x>.cuh", and the files are C++. Whoever links NAME links kintsugi_emulator_BUILD.
# A directory may ask for cuda or for emulated builds, not for both: a source has one language there.

set(KINTSUGI_EMULATED_FLAGS
    $<IF:$<CONFIG:Debug>,-Og,-O3> -g -ffp-contract=off
    -Wno-unknown-pragmas)  # "#pragma unroll" is nvcc's
set(KINTSUGI_ASAN_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1)

function(kintsugi_device_kernels name build)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PRIVATE kintsugi_flags)
  if(build STREQUAL cuda)
    set_target_properties(${name} PROPERTIES CUDA_ARCHITECTURES "80-real;90a-real"
        POSITION_INDEPENDENT_CODE ON)
    return()
  endif()
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  target_include_directories(${name} BEFORE PRIVATE
      ${PROJECT_SOURCE_DIR}/kernels/emulator/include ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -x c++ ${KINTSUGI_EMULATED_FLAGS})
  if(build STREQUAL race)
    target_compile_options(${name} PRIVATE -fsanitize=thread -Wno-tsan)
  elseif(build STREQUAL asan)
    target_compile_options(${name} PRIVATE ${KINTSUGI_ASAN_FLAGS})
  endif()
endfunction()

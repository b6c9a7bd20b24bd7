# SPDX-License-Identifier: MIT
#
# kintsugi_device_kernels(NAME BUILD SOURCES...): an object library of kernel files (.cu), for
#
#   cuda     nvcc, for sm_80 and sm_90a
#   cuda90a  nvcc, for sm_90a alone: what uses TMA or wgmma
#   plain    the emulator
#   race     the emulator with the race detector: -fsanitize=thread calls kernels/emulator/hooks.cpp
#   asan     the emulator with the address and undefined-behaviour sanitizers
#
# The sources are the same. In an emulated build the emulator's headers stand first in the search
# for "kernels/device/<x>.cuh", and the files are C++. Whoever links NAME links kintsugi_emulator_BUILD.
# A directory may ask for CUDA or for emulated builds, not for both: a source has one language there.

set(KINTSUGI_EMULATED_FLAGS
    $<IF:$<CONFIG:Debug>,-Og,-O3> -ffp-contract=off
    -g
    -Wno-unknown-pragmas)  # "#pragma unroll" is nvcc's
set(KINTSUGI_ASAN_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1)

function(kintsugi_device_kernels name build)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PRIVATE kintsugi_flags)
  if(build MATCHES "^cuda")
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${name} PRIVATE --expt-relaxed-constexpr -Werror all-warnings -lineinfo)
    if(build STREQUAL cuda90a)
      set_target_properties(${name} PROPERTIES CUDA_ARCHITECTURES 90a-real)
    endif()
    return()
  endif()
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  set_property(TARGET ${name} PROPERTY KINTSUGI_EMULATED ON)
  target_include_directories(${name} BEFORE PRIVATE
      ${PROJECT_SOURCE_DIR}/kernels/emulator/include ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -x c++ ${KINTSUGI_EMULATED_FLAGS})
  if(build STREQUAL race)
    target_compile_options(${name} PRIVATE -fsanitize=thread -Wno-tsan)
  elseif(build STREQUAL asan)
    target_compile_options(${name} PRIVATE ${KINTSUGI_ASAN_FLAGS})
  endif()
endfunction()

# kintsugi_emulated_tests(NAME KERNELS file.cu... TESTS file.cpp... [LIBRARIES target...]
#     [PLAIN target] [RACE filter] [ASAN filter]): the test programs NAME_plain, NAME_race and NAME_asan, each of the kernels so built and of the test files,
# which are the same; ctest finds every test of each. A tree that is sanitized as a whole has the
# first alone. PLAIN are the kernels already built for `plain`. The sanitized ones are an order of magnitude slower: a filter, as GoogleTest has it,
# says which tests they run. The test files ask emulator::race_detector() what they may expect.
function(kintsugi_emulated_tests name)
  cmake_parse_arguments(arg "" "PLAIN;RACE;ASAN" "KERNELS;TESTS;LIBRARIES" ${ARGN})
  foreach(build race asan)
    string(TOUPPER ${build} BUILD)
    set(filter_${build} "${arg_${BUILD}}")
  endforeach()
  set(builds plain)
  if(NOT KINTSUGI_SANITIZE)
    list(APPEND builds race asan)
  endif()
  set(data KINTSUGI_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  add_library(${name}_tests OBJECT ${arg_TESTS})  # the plain and the race program share these
  target_compile_definitions(${name}_tests PRIVATE ${data})
  target_link_libraries(${name}_tests PRIVATE
      kintsugi_emulator_plain ${arg_LIBRARIES} kintsugi_flags GTest::gtest)
  foreach(build IN LISTS builds)
    set(kernels ${name}_kernels_${build})
    if(build STREQUAL plain AND arg_PLAIN)
      set(kernels ${arg_PLAIN})
    else()
      kintsugi_device_kernels(${kernels} ${build} ${arg_KERNELS})
    endif()
    if(build STREQUAL asan)
      add_executable(${name}_asan ${arg_TESTS})
      target_compile_definitions(${name}_asan PRIVATE ${data})
    else()
      add_executable(${name}_${build} $<TARGET_OBJECTS:${name}_tests>)
    endif()
    target_link_libraries(${name}_${build} PRIVATE ${kernels}
        kintsugi_emulator_${build} ${arg_LIBRARIES} kintsugi_flags GTest::gtest_main)
    # A broken kernel's fibers are left, not unwound: what hung on them is not a leak of ours.
    gtest_discover_tests(${name}_${build} TEST_PREFIX ${build}. DISCOVERY_TIMEOUT 60
        TEST_FILTER "${filter_${build}}"
        PROPERTIES ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1")
  endforeach()
endfunction()

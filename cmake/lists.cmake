# SPDX-License-Identifier: MIT
#
# Lists that are data: one name a line, `#` opens a comment. A change of the file configures anew.
function(kintsugi_read_list out file)
  file(STRINGS ${file} lines REGEX "^[^#]")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^[a-z][a-z0-9_]*$")
      message(FATAL_ERROR "${file}: '${line}' is no name")
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${out} ${lines} PARENT_SCOPE)
endfunction()

# _kintsugi_list_code(ENTRIES_OUT INCLUDES_OUT PATHS_OUT MACRO HEADER CUDA words...): `words` are pairs of
# FOLDER folder and OPS or NETWORKS name...; PATHS_OUT are the names' folders, MACRO is what an entry calls,
# HEADER the file that stands for a name, CUDA whether an entry tells of cuda.cu.
function(_kintsugi_list_code entries_out includes_out paths_out macro header cuda)
  set(includes)
  set(entries)
  set(paths)
  set(reading)
  foreach(word IN LISTS ARGN)
    if(word MATCHES "^(FOLDER|OPS|NETWORKS)$")
      set(reading ${word})
    elseif(reading STREQUAL "FOLDER")
      set(folder ${word})
    else()
      string(REPLACE "<name>" "${word}" file "${header}")
      if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${folder}/${word}/${file})
        message(FATAL_ERROR "'${word}' is in a list, but ${folder}/${word}/${file} does not exist")
      endif()
      list(APPEND paths ${folder}/${word})
      string(APPEND includes "#include \"${folder}/${word}/${file}\"\n")
      set(further)
      if(cuda AND EXISTS ${PROJECT_SOURCE_DIR}/${folder}/${word}/cuda.cu)
        set(further ", true")
      elseif(cuda)
        set(further ", false")
      endif()
      string(APPEND entries " \\\n  ${macro}(${word}${further})")
    endif()
  endforeach()
  set(${entries_out} "${entries}" PARENT_SCOPE)
  set(${includes_out} "${includes}" PARENT_SCOPE)
  set(${paths_out} "${paths}" PARENT_SCOPE)
endfunction()

# kintsugi_op_list(NAME FOLDER folder OPS op...): NAME knows every op by its table, NAME_launch by its
# CUDA kernel, and NAME_cases by its cases.h, for tests and benchmarks. The ops stand in FOLDER, a path
# from the root of the project; further pairs of FOLDER and OPS may follow.
function(kintsugi_op_list name)
  _kintsugi_list_code(entries includes paths KINTSUGI_OP contract.h true ${ARGN})
  set(generated ${PROJECT_BINARY_DIR}/generated/${name})
  file(CONFIGURE OUTPUT ${generated}/kernels/ops.h @ONLY CONTENT
"// Made from ops.list: every op by its namespace, and whether it has a CUDA kernel.
#pragma once

@includes@
#define KINTSUGI_OPS@entries@
")
  _kintsugi_list_code(entries includes paths KINTSUGI_OP cases.h false ${ARGN})
  file(CONFIGURE OUTPUT ${generated}/kernels/op_cases.h @ONLY CONTENT
"// Made from ops.list: the cases of every op, by its namespace.
#pragma once

@includes@
#define KINTSUGI_OP_CASES@entries@
")
  foreach(part ops launch cases)
    set(target ${name})
    if(NOT part STREQUAL "ops")
      set(target ${name}_${part})
    endif()
    add_library(${target} OBJECT ${PROJECT_SOURCE_DIR}/kernels/contract/${part}.cpp)
    target_link_libraries(${target} PRIVATE kintsugi_flags)
    target_include_directories(${target} BEFORE PRIVATE ${generated})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endforeach()
  set_target_properties(${name}_launch ${name}_cases PROPERTIES EXCLUDE_FROM_ALL ON)
endfunction()

# _kintsugi_key_sources(SOURCES_OUT GENERATED paths...): for every network of `paths` that has a keys.txt, a
# source in GENERATED that defines its key_layouts().
function(_kintsugi_key_sources sources_out generated)
  set(sources)
  foreach(path IN LISTS ARGN)
    file(GLOB file CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${path}/keys.txt)  # one may come or go
    if(file)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
      file(READ ${file} text)
      get_filename_component(name ${path} NAME)
      file(CONFIGURE OUTPUT ${generated}/${path}/keys.txt.cpp @ONLY CONTENT
"// Made from @path@/keys.txt.
#include \"runtime/weights/key_layouts.h\"

#include \"@path@/@name@.h\"

namespace kintsugi::networks::@name@ {

std::span<const weights::KeyLayout> key_layouts() {
  static const std::vector<weights::KeyLayout> kLayouts =
      weights::parse_key_layouts(\"@path@/keys.txt\", R\"keys.txt(@text@)keys.txt\");
  return kLayouts;
}

}  // namespace kintsugi::networks::@name@
")
      list(APPEND sources ${generated}/${path}/keys.txt.cpp)
    endif()
  endforeach()
  set(${sources_out} ${sources} PARENT_SCOPE)
endfunction()

# kintsugi_network_list(NAME FOLDER folder NETWORKS network...): NAME is the registry of these, likewise, and
# their keys.txt.
function(kintsugi_network_list name)
  _kintsugi_list_code(entries includes paths KINTSUGI_NETWORK <name>.h false ${ARGN})
  set(generated ${PROJECT_BINARY_DIR}/generated/${name})
  file(CONFIGURE OUTPUT ${generated}/runtime/networks/networks.h @ONLY CONTENT
"// Made from networks.list: every network by its namespace.
#pragma once

@includes@
#define KINTSUGI_NETWORKS@entries@
")
  _kintsugi_key_sources(key_sources ${generated} ${paths})
  add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/runtime/networks/registry.cpp ${key_sources})
  target_link_libraries(${name} PRIVATE kintsugi_flags nlohmann_json::nlohmann_json)
  target_include_directories(${name} BEFORE PRIVATE ${generated})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/runtime/include)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

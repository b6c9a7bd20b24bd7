# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where: the library, its headers, the program, and the two ways to
# find them (find_package and pkg-config). Everything is relative, so an installed tree may move.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_compile_features(kintsugi PUBLIC cxx_std_20)  # the public header speaks it

option(KINTSUGI_INSTALL "Make rules for installing" ${PROJECT_IS_TOP_LEVEL})
if(NOT KINTSUGI_INSTALL)
  return()
endif()

# The public headers take a part of their vocabulary from kernels/core. Installed, it stands below
# kintsugi/, so that no name of ours is taken from the embedder's own include path.
set(vocabulary kernels/core/error.h kernels/core/shape.h)
file(GLOB public_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/runtime/include
     ${PROJECT_SOURCE_DIR}/runtime/include/kintsugi/*.hpp
     ${PROJECT_SOURCE_DIR}/runtime/include/kintsugi/*.h)
set(staged ${PROJECT_BINARY_DIR}/installed-include)
function(stage_header source staged_as)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(REPLACE "#include \"kernels/" "#include \"kintsugi/kernels/" text "${text}")
  file(CONFIGURE OUTPUT ${staged}/${staged_as} CONTENT "${text}" @ONLY NEWLINE_STYLE UNIX)
endfunction()
file(REMOVE_RECURSE ${staged})  # a header that was removed from the tree is not installed again
foreach(header IN LISTS public_headers)
  stage_header(${PROJECT_SOURCE_DIR}/runtime/include/${header} ${header})
endforeach()
foreach(header IN LISTS vocabulary)
  stage_header(${PROJECT_SOURCE_DIR}/${header} kintsugi/${header})
endforeach()

install(DIRECTORY ${staged}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(kintsugi PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # below 1.0 a minor version may break
install(TARGETS kintsugi EXPORT kintsugi-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS kintsugi_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# find_package(kintsugi CONFIG) -> kintsugi::kintsugi
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/kintsugi)
install(EXPORT kintsugi-targets NAMESPACE kintsugi:: DESTINATION ${package})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/kintsugi-config.cmake.in
  ${PROJECT_BINARY_DIR}/kintsugi-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kintsugi-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/kintsugi-config.cmake
  ${PROJECT_BINARY_DIR}/kintsugi-config-version.cmake DESTINATION ${package})

# pkg-config kintsugi. The way back from the .pc file to the prefix is computed, not written down.
file(RELATIVE_PATH pc_to_prefix /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
set(KINTSUGI_PC_LIBS)
if(KINTSUGI_GPU STREQUAL "cuda" AND NOT BUILD_SHARED_LIBS)
  set(KINTSUGI_PC_LIBS " ${CUDA_cudart_static_LIBRARY} -ldl -lrt")
elseif(KINTSUGI_GPU STREQUAL "emulated")
  set(KINTSUGI_PC_LIBS " -ldl")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/kintsugi.pc.in ${PROJECT_BINARY_DIR}/kintsugi.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kintsugi.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

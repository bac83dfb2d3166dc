# SPDX-License-Identifier: Apache-2.0
# Warnings are errors for the project's own code; sanitizers are chosen by the presets.
set(COWSHED_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

add_library(cowshed_flags INTERFACE)
target_compile_options(cowshed_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror)
if(COWSHED_SANITIZE)
  target_compile_options(cowshed_flags INTERFACE
    -fsanitize=${COWSHED_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cowshed_flags INTERFACE -fsanitize=${COWSHED_SANITIZE})
  # g++ takes the instrumented copy of an std::optional for an uninitialised one; the release build still asks.
  target_compile_options(cowshed_flags INTERFACE -Wno-maybe-uninitialized)
endif()

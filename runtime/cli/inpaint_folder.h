// SPDX-License-Identifier: MIT
//
// `kintsugi inpaint` where the input is a folder. Called by the verb alone, which has checked
// whatever does not depend on there being many pictures.
#pragma once

#include "console.h"
#include "mend.h"

namespace kintsugi::cli {

/// Mends every picture of the folder; the exit code. See folder_run.h for what it throws.
[[nodiscard]] int inpaint_folder(const InpaintArguments& arguments, Console& console);

}  // namespace kintsugi::cli

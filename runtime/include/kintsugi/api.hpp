// SPDX-License-Identifier: MIT
//
// What the library exports; everything else is hidden.
#pragma once

#define KINTSUGI_API __attribute__((visibility("default")))

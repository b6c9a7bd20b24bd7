// SPDX-License-Identifier: MIT
#include "kintsugi/io.hpp"

#include "runtime/io/atomic_file.h"
#include "runtime/io/guarded.h"

namespace kintsugi {

void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  guarded([&] {
    AtomicFile target(file);
    target.write(bytes);
    target.commit();
  });
}

}  // namespace kintsugi

// SPDX-License-Identifier: MIT
#include "kernels/emulator/banks.h"

#include <algorithm>

namespace kintsugi::emulator {

int wavefronts(std::span<const uint32_t> offsets) {
  uint32_t groups = 0;
  for (const uint32_t offset : offsets) groups |= 1u << (offset / 16 % 8);
  if (groups == 0xff && offsets.size() == 8) return 1;  // the usual case
  std::array<std::array<uint32_t, 8>, 8> rows{};        // distinct rows of each group of four banks
  std::array<int, 8> count{};
  int most = 0;
  for (const uint32_t offset : offsets) {
    const uint32_t row = offset / 16;
    auto& group = rows[row % 8];
    int& n = count[row % 8];
    if (std::find(group.begin(), group.begin() + n, row) != group.begin() + n) continue;
    group[static_cast<std::size_t>(n++)] = row;
    most = std::max(most, n);
  }
  return most;
}

void BankCounter::access(unsigned thread, uint32_t offset, const Where& where,
                         Wavefronts& counted) {
  Octet& octet = octets_[{where.line(), where.column(), thread / 8}];
  octet.queued[thread % 8].push_back(offset);
  const bool full = std::all_of(octet.queued.begin(), octet.queued.end(),
                                [](const auto& lane) { return !lane.empty(); });
  if (full) take(octet, counted);
}

void BankCounter::take(Octet& octet, Wavefronts& counted) {
  std::vector<uint32_t> offsets;
  for (auto& lane : octet.queued) {
    if (lane.empty()) continue;
    offsets.push_back(lane.front());
    lane.erase(lane.begin());
  }
  if (offsets.empty()) return;
  counted.taken += wavefronts(offsets);
  counted.ideal += 1;
}

void BankCounter::flush(Wavefronts& counted) {
  for (auto& [place, octet] : octets_) {
    while (std::any_of(octet.queued.begin(), octet.queued.end(),
                       [](const auto& lane) { return !lane.empty(); })) {
      take(octet, counted);
    }
  }
  octets_.clear();
}

}  // namespace kintsugi::emulator

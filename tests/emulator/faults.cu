// SPDX-License-Identifier: MIT
#include "tests/emulator/faults.cuh"

namespace kintsugi::specimen {

namespace {

template <template <Fault> typename K, Fault kFault>
void one(device::Stream& stream, const float* in, float* out) {
  device::launch(stream, {}, K<kFault>{.in = in, .out = out});
}

}  // namespace

void faulty(device::Stream& stream, Fault fault, const float* in, float* out) {
  switch (fault) {
    case Fault::no_barrier_after_store:
      return one<PassOn, Fault::no_barrier_after_store>(stream, in, out);
    case Fault::no_barrier_before_refill:
      return one<PassOn, Fault::no_barrier_before_refill>(stream, in, out);
    case Fault::no_syncwarp_after_store:
      return one<PassInWarp, Fault::no_syncwarp_after_store>(stream, in, out);
    case Fault::no_syncwarp_before_overwrite:
      return one<PassInWarp, Fault::no_syncwarp_before_overwrite>(stream, in, out);
    case Fault::divergent_barriers: return one<Meet, Fault::divergent_barriers>(stream, in, out);
    case Fault::absent_lane: return one<Meet, Fault::absent_lane>(stream, in, out);
    case Fault::early_exit: return one<Meet, Fault::early_exit>(stream, in, out);
    case Fault::half_a_barrier: return one<Meet, Fault::half_a_barrier>(stream, in, out);
    case Fault::global_out_of_bounds:
      return one<CopyThrough, Fault::global_out_of_bounds>(stream, in, out);
    case Fault::shared_out_of_bounds:
      return one<CopyThrough, Fault::shared_out_of_bounds>(stream, in, out);
    case Fault::never_written: return one<CopyThrough, Fault::never_written>(stream, in, out);
    case Fault::around_the_vocabulary:
      return one<CopyThrough, Fault::around_the_vocabulary>(stream, in, out);
    case Fault::misaligned: return one<CopyAsync, Fault::misaligned>(stream, in, out);
    case Fault::never_waited: return one<CopyAsync, Fault::never_waited>(stream, in, out);
    case Fault::none:
    case Fault::endless_spin: return;
  }
}

bool faultless(device::Stream& stream, int number, const float* in, float* out) {
  switch (number) {
    case 0: one<PassOn, Fault::none>(stream, in, out); return true;
    case 1: one<PassInWarp, Fault::none>(stream, in, out); return true;
    case 2: one<CopyThrough, Fault::none>(stream, in, out); return true;
    case 3: one<Meet, Fault::none>(stream, in, out); return true;
    case 4: one<CopyAsync, Fault::none>(stream, in, out); return true;
    default: return false;
  }
}

void queue(device::Stream& stream, Fault fault, uint32_t* turn, float* out, unsigned blocks) {
  if (fault == Fault::endless_spin) {
    device::launch(stream, {blocks}, Queue<Fault::endless_spin>{.turn = turn, .out = out});
  } else {
    device::launch(stream, {blocks}, Queue<Fault::none>{.turn = turn, .out = out});
  }
}

}  // namespace kintsugi::specimen

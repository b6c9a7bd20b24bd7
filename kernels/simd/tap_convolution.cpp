// SPDX-License-Identifier: MIT
#include "kernels/simd/tap_convolution.h"

#include <algorithm>
#include <vector>

#include "kernels/core/padding.h"
#include "kernels/simd/filter_order.h"
#include "kernels/simd/moments.h"
#include "kernels/simd/tile.h"

namespace kintsugi::simd {
namespace {

/// Pixels whose moments are joined at once, at least, but at the end of a row.
constexpr int64_t kJoined = 24;

/// Groups of task_rows rows of a phase, of the one with most.
int64_t chunks_of(int64_t rows, int64_t stride, int64_t task_rows) {
  return divide_up(divide_up(rows, stride), task_rows);
}

// What all tasks share, computed once per call.
struct Schedule {
  const TapConvolution& c;
  BoundSteps steps;
  FilterOrder order;
  std::vector<TileFunction*> wide,
      narrow;  // by pixels; for whole blocks and for the last few channels
  JoinMoments* join;
  std::vector<float> zeros;  // a pixel outside the picture
  int64_t channels;          // of a stored input pixel
  int64_t columns;           // of a block
  int64_t blocks, row_chunks;
  int64_t input_step, output_step;  // from one pixel of a tile to the next, in elements

  Schedule(Isa isa, const TapConvolution& convolution)
      : c(convolution),
        steps(bind(*c.steps, c.operands)),
        order(filter_order(c.output.shape.c() * c.steps->channels_per_result(), *c.steps, isa,
                           c.vectors)),
        join(join_moments(isa)),
        channels(storage_channels(c.input.shape.c())),
        columns(c.few_outputs ? order.filters : order.block()),
        blocks(order.blocks()),
        row_chunks(chunks_of(c.output.shape.h(), c.output_stride.h, c.task_rows)) {
    input_step = checked_multiply(c.input_stride.w / c.upsample, c.input.pitch);
    output_step = checked_multiply(c.output_stride.w, c.output.pitch);
    for (int64_t pixels = 1; pixels <= c.tile_pixels; ++pixels) {
      wide.push_back(c.few_outputs ? dot_tile_function(isa, pixels, columns)
                                   : tile_function(isa, pixels, c.vectors));
      narrow.push_back(c.few_outputs ? wide.back() : tile_function(isa, pixels, 1));
    }
    zeros.resize(static_cast<size_t>(channels));
  }

  // Blocks innermost: neighbouring tasks read the same input rows.
  [[nodiscard]] int64_t tasks() const {
    return c.output.shape.n() * row_chunks * static_cast<int64_t>(c.phases.size()) * blocks;
  }
};

// One task: some rows of a phase, one block of output channels. Owns the run lists.
class Task {
 public:
  Task(const Schedule& schedule, int64_t index) : s_(schedule), c_(schedule.c) {
    const int64_t phases = static_cast<int64_t>(c_.phases.size());
    const int64_t block = index % s_.blocks;
    tile_ = index / s_.blocks % (phases * s_.row_chunks);
    phase_ = &c_.phases[static_cast<size_t>(index / s_.blocks % phases)];
    chunk_ = index / s_.blocks / phases % s_.row_chunks;
    n_ = index / s_.blocks / phases / s_.row_chunks;
    k0_ = block * s_.order.block_results();
    narrow_ = s_.order.narrow(block);
    weight_ = c_.weight + block * c_.block_elements;
    const auto by_dx = [](const Tap& a, const Tap& b) { return a.dx < b.dx; };
    if (!phase_->taps.empty()) {
      const auto [low, high] = std::minmax_element(phase_->taps.begin(), phase_->taps.end(), by_dx);
      low_dx_ = low->dx;
      high_dx_ = high->dx;
    }
    runs_.reserve(phase_->taps.size());
    pixels_.resize(phase_->taps.size() * static_cast<size_t>(c_.tile_pixels));
  }

  void run() {
    const Shape& out = c_.output.shape;
    const int64_t rows = divide_up(out.h() - phase_->offset.h, c_.output_stride.h);
    const int64_t end = std::min(rows, (chunk_ + 1) * c_.task_rows);
    for (int64_t q = chunk_ * c_.task_rows; q < end; ++q) row(q);
    if (c_.moments.data != nullptr) finish_moments();
  }

 private:
  void row(int64_t q) {
    const Shape& in = c_.input.shape;
    const Shape& out = c_.output.shape;
    const int64_t width = divide_up(out.w() - phase_->offset.w, c_.output_stride.w);
    if (width <= 0) return;
    const int64_t y = q * c_.output_stride.h + phase_->offset.h;
    const auto& functions = narrow_ ? s_.narrow : s_.wide;

    TileTask task;
    task.three = c_.input.shape.c() == 3;
    task.pixel_step = s_.input_step;
    task.weight = weight_;
    task.weight_step = s_.columns;
    task.gates = s_.order.gated ? out.c() : 0;
    task.steps = &s_.steps;
    task.place.n = n_;
    task.place.k0 = k0_;
    task.place.channels = out.c();
    task.place.pixel_step = c_.output_stride.w;
    task.output_step = s_.output_step;

    // Tiles of nearly equal width: a short last one would keep the FMA units half busy.
    const int64_t tiles = divide_up(width, c_.tile_pixels);
    int64_t origin = -1;   // the inside tile that runs_ was built for; its neighbours shift from it
    int64_t unjoined = 0;  // pixels that the moments do not know yet
    for (int64_t tile = 0, p = 0; tile < tiles; ++tile) {
      const int64_t pixels = width / tiles + (tile < width % tiles ? 1 : 0);
      const bool inside = p * c_.input_stride.w + low_dx_ >= 0 &&
                          (p + pixels - 1) * c_.input_stride.w + high_dx_ < in.w() * c_.upsample;
      if (!inside || origin < 0) {
        build_runs(q, p, pixels);
        origin = inside ? p : -1;
      }
      task.runs = runs_.data();
      task.run_count = static_cast<int64_t>(runs_.size());
      task.shift = inside ? (p - origin) * task.pixel_step : 0;
      const int64_t x = p * c_.output_stride.w + phase_->offset.w;
      task.place.pixels = pixels;
      task.place.pixel = (n_ * out.h() + y) * out.w() + x;
      task.output = c_.output.pixel(n_, y, x);
      functions[static_cast<size_t>(pixels - 1)](task);
      p += pixels;
      if (c_.moments.data == nullptr) continue;
      unjoined += pixels;
      if (unjoined < kJoined && p < width) continue;
      join(y, p - unjoined, unjoined);
      unjoined = 0;
    }
  }

  /// Channels of this task in a record of moments: its block's, as far as the output has any.
  [[nodiscard]] int64_t moment_channels() const {
    return std::min(s_.order.block_results(), c_.moments.channels - k0_);
  }

  /// What pixels [first, first + pixels) of a phase's row add, while they are in the cache.
  void join(int64_t y, int64_t first, int64_t pixels) {
    s_.join({.pixel = c_.output.pixel(n_, y, first * c_.output_stride.w + phase_->offset.w) + k0_,
             .columns = pixels,
             .column_step = s_.output_step,
             .channels = moment_channels(),
             .before = joined_,
             .mean = c_.moments.means(n_, tile_) + k0_,
             .squares = c_.moments.squares(n_, tile_) + k0_});
    joined_ += pixels;
  }

  void finish_moments() {
    if (joined_ == 0) {
      std::fill_n(c_.moments.means(n_, tile_) + k0_, moment_channels(), 0.0f);
      std::fill_n(c_.moments.squares(n_, tile_) + k0_, moment_channels(), 0.0f);
    }
    if (k0_ == 0) c_.moments.count(n_, tile_) = static_cast<float>(joined_);
  }

  /// The runs of the tile that begins at pixel `p` of row `q`.
  void build_runs(int64_t q, int64_t p, int64_t pixels) {
    const int64_t height = c_.input.shape.h() * c_.upsample;
    const int64_t width = c_.input.shape.w() * c_.upsample;
    const auto stored = [half = c_.upsample == 2 ? 1 : 0](int64_t i) { return i >> half; };
    const PaddingMode mode = c_.reflect ? PaddingMode::reflect : PaddingMode::zero;
    runs_.clear();
    size_t used = 0;
    for (const Tap& tap : phase_->taps) {
      const int64_t iy = source_coordinate(q * c_.input_stride.h + tap.dy, height, mode);
      if (iy < 0) continue;  // zeros: adding them changes nothing
      const float* line = c_.input.pixel(n_, stored(iy), 0);
      const int64_t first = p * c_.input_stride.w + tap.dx;
      const int64_t last = first + (pixels - 1) * c_.input_stride.w;
      if (first >= 0 && last < width) {
        append({line + stored(first) * c_.input.pitch, nullptr, tap.weight, s_.channels});
        continue;
      }
      if (!c_.reflect && (last < 0 || first >= width)) continue;
      const float** pointers = pixels_.data() + used;
      used += static_cast<size_t>(pixels);
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t ix = source_coordinate(first + i * c_.input_stride.w, width, mode);
        pointers[i] = ix < 0 ? s_.zeros.data() : line + stored(ix) * c_.input.pitch;
      }
      append({nullptr, pointers, tap.weight, s_.channels});
    }
  }

  /// Where channels and taps of a row are dense in memory, a row of taps is one long run: with 3
  /// or 4 input channels that is most of the speed. Weights of few outputs are whole vectors of
  /// channels: only where the channels are, too, do taps follow one another.
  void append(const Run& run) {
    if (!runs_.empty() && run.pixel != nullptr && runs_.back().pixel != nullptr) {
      Run& last = runs_.back();
      if (last.pixel + last.channels == run.pixel &&
          last.weight + last.channels * s_.columns == run.weight) {
        last.channels += run.channels;
        return;
      }
    }
    runs_.push_back(run);
  }

  const Schedule& s_;
  const TapConvolution& c_;
  const Phase* phase_ = nullptr;
  int64_t n_ = 0, chunk_ = 0, k0_ = 0;
  int64_t tile_ = 0, joined_ = 0;  // of the moments, and its pixels that they know
  bool narrow_ = false;
  int64_t low_dx_ = 0, high_dx_ = 0;
  const float* weight_ = nullptr;
  std::vector<Run> runs_;
  std::vector<const float*> pixels_;
};

}  // namespace

int64_t moment_tiles(int64_t rows, Pair output_stride, int64_t phases, int64_t task_rows) {
  return checked_multiply(phases, chunks_of(rows, output_stride.h, task_rows));
}

void run(Isa isa, const TapConvolution& convolution, Parallel& parallel) {
  const Schedule schedule(isa, convolution);
  parallel.parallel_for(schedule.tasks(), [&](int64_t index) { Task(schedule, index).run(); });
}

}  // namespace kintsugi::simd

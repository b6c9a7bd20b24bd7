// SPDX-License-Identifier: MIT
//
// conv2d, Winograd F(4x4, 3x3), on the CPU.
//
// Math        for a tile of 4x4 outputs y and the 6x6 inputs x it reads, d pixels apart:
//             y = epilogue( A' [ sum over c of  (G w[k,c] G') * (B' prologue(x[c]) B) ] A )
//             that is 36 multiplications a channel pair where the taps are 144
// Shapes      x [N,C,H,W]   U packed [36][K/block][C][block]   y [N,K,P,Q]
//             V [36][tiles][C]   M [36][tiles][K]: 36 matrix products M = V U, one a point
// Layout      NHWC with a pitch; only channels below storage_channels(C) are read
// Tiling      dilation d makes d*d interleaved images, each tiled on its own; a task owns
//             task_tiles tiles and all K: it transforms inputs, multiplies, transforms outputs.
//             The products use the register tile of all convolutions (kernels/simd/tile.cpp), a
//             "pixel" being a tile; a point's V stays in L1 and L2 while U streams by once
// Scratch     V, M and a pixel of zeros for each thread: Args::workspace
// Threads     one worker a thread, each with its scratch, draws tasks from a common counter
// Numerics    f32; the sum over c is in order of c, one FMA each, whatever the tiles of a task:
//             bits depend on nothing but the element. The transforms cost a factor of five: with
//             256 channels relative L2 is 3e-6, 8e-7 in the direct form. Inputs that no output
//             of a tile needs are taken as zeros
// Roofline    2*36*ceil(P/4)*ceil(Q/4)*C*K FLOP, a quarter of the direct form's; U is read once a
//             task. 3x3 256->256 on 64x64: bound by the FMA units, 9.4 MB of U a task behind them
// Limits      3x3, stride 1
#include "kernels/conv2d/winograd.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "kernels/conv2d/winograd_transform.h"
#include "kernels/simd/moments.h"
#include "kernels/simd/tile.h"

namespace kintsugi::conv2d::winograd {
namespace {

constexpr int64_t kLine = 16;  // floats in a cache line

/// Where the tiles of one axis begin: all tiles of the outputs 0, d, 2d, .., then of 1, d+1, ..
std::vector<int64_t> starts(int64_t extent, int64_t dilation) {
  std::vector<int64_t> out;
  for (int64_t first = 0; first < std::min(dilation, extent); ++first) {
    for (int64_t at = first; at < extent; at += kTile * dilation) out.push_back(at);
  }
  return out;
}

/// As many as starts() has, for an extent of any size.
int64_t count_starts(int64_t extent, int64_t dilation) {
  const int64_t each = extent / dilation, longer = extent % dilation;
  return longer * divide_up(each + 1, kTile) + (dilation - longer) * divide_up(each, kTile);
}

/// Channels of V that separate one tile from the next: whole vectors of every instruction set, and
/// a cache line more, so that the tiles of a register tile do not share a few sets of L1.
int64_t patch_pitch(const Desc& desc) { return round_up(desc.in_channels, 16) + 16; }

int64_t product_pitch(const Desc& desc, const CpuConfig& config) {
  return round_up(desc.out_channels, config.block_channels()) + 16;
}

/// Operands of the prologue.
size_t read_before(const Desc& desc) {
  return static_cast<size_t>(desc.prologue.steps.operand_count());
}

// What all tasks share.
struct Schedule {
  const Desc& desc;
  const CpuConfig& config;
  const Args<float>& args;
  simd::BoundSteps before, steps;  // of the prologue, of the epilogue
  const simd::BoundSteps none;
  simd::WinogradTransform* transform_patch;
  simd::WinogradFinish* finish_tile;
  simd::JoinMoments* join;
  std::vector<simd::TileFunction*> wide, narrow;  // by pixels; for whole and for half blocks
  std::vector<int64_t> ys, xs;
  int64_t tiles, tasks_of_image;  // of one image

  Schedule(const Desc& d, const CpuConfig& c, const Args<float>& a)
      : desc(d),
        config(c),
        args(a),
        before(simd::bind(d.prologue.steps, a.operands.first(read_before(d)))),
        steps(simd::bind(d.epilogue, a.operands.subspan(read_before(d)))),
        none(),
        transform_patch(simd::winograd_transform(c.isa)),
        finish_tile(simd::winograd_finish(c.isa)),
        join(simd::join_moments(c.isa)),
        ys(starts(a.output.shape.h(), d.dilation.h)),
        xs(starts(a.output.shape.w(), d.dilation.w)),
        tiles(static_cast<int64_t>(ys.size() * xs.size())),
        tasks_of_image(divide_up(tiles, c.task_tiles)) {
    for (int64_t pixels = 1; pixels <= c.tile_pixels; ++pixels) {
      wide.push_back(simd::tile_function(c.isa, pixels, c.vectors));
      narrow.push_back(simd::tile_function(c.isa, pixels, 1));
    }
  }
};

// One thread's share: its scratch, and the tasks it draws.
class Worker {
 public:
  Worker(const Schedule& schedule, float* scratch)
      : s_(schedule),
        patch_pitch_(patch_pitch(s_.desc)),
        product_pitch_(product_pitch(s_.desc, s_.config)),
        patches_(scratch),
        products_(patches_ + kPoints * s_.config.task_tiles * patch_pitch_),
        zeros_(products_ + kPoints * s_.config.task_tiles * product_pitch_) {
    std::fill_n(zeros_, patch_pitch_, 0.0f);
  }

  /// Tasks share the tiles of an image nearly evenly.
  void run(int64_t task) {
    part_ = task % s_.tasks_of_image;
    n_ = task / s_.tasks_of_image;
    const int64_t first = s_.tiles * part_ / s_.tasks_of_image;
    count_ = s_.tiles * (part_ + 1) / s_.tasks_of_image - first;
    joined_ = 0;
    for (int64_t i = 0; i < count_; ++i) read(first + i, i);
    for (int64_t point = 0; point < kPoints; ++point) multiply(point);
    for (int64_t i = 0; i < count_; ++i) write(first + i, i);
    const MomentsView<float>& moments = s_.args.moments;
    if (moments.data != nullptr) moments.count(n_, part_) = static_cast<float>(joined_);
  }

 private:
  struct Origin {
    int64_t y, x, rows, columns;  // of the outputs that the image has
  };

  [[nodiscard]] Origin origin(int64_t tile) const {
    const auto columns = static_cast<int64_t>(s_.xs.size());
    const Shape& out = s_.args.output.shape;
    const Pair d = s_.desc.dilation;
    const int64_t y = s_.ys[static_cast<size_t>(tile / columns)];
    const int64_t x = s_.xs[static_cast<size_t>(tile % columns)];
    return {y, x, std::min(kTile, divide_up(out.h() - y, d.h)),
            std::min(kTile, divide_up(out.w() - x, d.w))};
  }

  /// Transforms the patch of a tile into the task's i-th row of V.
  void read(int64_t tile, int64_t i) {
    const Shape& in = s_.args.input.shape;
    const Desc& desc = s_.desc;
    const Origin at = origin(tile);
    const int64_t up = desc.prologue.upsample;
    const int half = up == 2 ? 1 : 0;
    std::array<const float*, kPoints> pixels;
    std::array<int64_t, kPoints> indices;
    for (int64_t r = 0; r < kPatch; ++r) {
      const int64_t iy = r < at.rows + 2
                             ? source_coordinate(at.y + r * desc.dilation.h - desc.padding.h,
                                                 in.h() * up, desc.padding_mode)
                             : -1;
      for (int64_t s = 0; s < kPatch; ++s) {
        const int64_t ix = s < at.columns + 2
                               ? source_coordinate(at.x + s * desc.dilation.w - desc.padding.w,
                                                   in.w() * up, desc.padding_mode)
                               : -1;
        const auto p = static_cast<size_t>(r * kPatch + s);
        const bool outside = iy < 0 || ix < 0;
        indices[p] = outside ? -1 : (n_ * in.h() + (iy >> half)) * in.w() + (ix >> half);
        pixels[p] = outside ? zeros_ : s_.args.input.data + indices[p] * s_.args.input.pitch;
      }
    }
    s_.transform_patch({.pixels = pixels.data(),
                        .indices = indices.data(),
                        .steps = &s_.before,
                        .n = n_,
                        .channels = in.c(),
                        .out = patches_ + i * patch_pitch_,
                        .step = s_.config.task_tiles * patch_pitch_});
  }

  /// M = V U at one point, in register tiles of nearly equal size.
  void multiply(int64_t point) {
    const int64_t channels = storage_channels(s_.desc.in_channels);
    const int64_t block = s_.config.block_channels();
    const int64_t blocks = divide_up(s_.desc.out_channels, block);
    const int64_t groups = divide_up(count_, s_.config.tile_pixels);
    const simd::Run whole{.pixel = patches_ + point * s_.config.task_tiles * patch_pitch_,
                          .channels = channels};
    float* products = products_ + point * s_.config.task_tiles * product_pitch_;
    simd::TileTask task{.runs = &whole,
                        .run_count = 1,
                        .pixel_step = patch_pitch_,
                        .weight = s_.args.weight.data() + point * blocks * channels * block,
                        .weight_step = block,
                        .steps = &s_.none,
                        .output_step = product_pitch_};
    task.place.channels = blocks * block;
    for (int64_t b = 0; b < blocks; ++b, task.weight += channels * block) {
      task.place.k0 = b * block;
      const bool half = s_.desc.out_channels - b * block <= simd::lanes(s_.config.isa);
      for (int64_t g = 0; g < groups; ++g) {
        const int64_t first = count_ * g / groups;
        const int64_t pixels = count_ * (g + 1) / groups - first;
        task.shift = first * patch_pitch_;
        task.output = products + first * product_pitch_;
        // The first register tiles fetch what the next block of channels will multiply with: its
        // weights are new to every task, and come from beyond L2.
        const bool fetch = g * kLine < block;
        task.ahead = fetch ? task.weight + channels * (block + g * kLine) : nullptr;
        task.ahead_step = fetch ? std::min(kLine, block) : 0;
        (half ? s_.narrow : s_.wide)[static_cast<size_t>(pixels - 1)](task);
      }
    }
  }

  void write(int64_t tile, int64_t i) {
    const TensorView<float>& y = s_.args.output;
    const Origin at = origin(tile);
    simd::WinogradOutput out{.product = products_ + i * product_pitch_,
                             .product_step = s_.config.task_tiles * product_pitch_,
                             .rows = at.rows,
                             .columns = at.columns,
                             .steps = &s_.steps,
                             .output = y.pixel(n_, at.y, at.x),
                             .row_step = s_.desc.dilation.h * y.shape.w() * y.pitch,
                             .column_step = s_.desc.dilation.w * y.pitch,
                             .to_next = kTile * s_.desc.dilation.w * y.pitch,
                             .row_pixels = s_.desc.dilation.h * y.shape.w()};
    out.place.n = n_;
    out.place.channels = y.shape.c();
    out.place.pixel = (n_ * y.shape.h() + at.y) * y.shape.w() + at.x;
    out.place.pixel_step = s_.desc.dilation.w;
    s_.finish_tile(out);
    if (s_.args.moments.data != nullptr) join(out);
  }

  /// What a tile that was just stored adds to the task's moments.
  void join(const simd::WinogradOutput& tile) {
    const MomentsView<float>& moments = s_.args.moments;
    s_.join({.pixel = tile.output,
             .rows = tile.rows,
             .columns = tile.columns,
             .row_step = tile.row_step,
             .column_step = tile.column_step,
             .channels = moments.channels,
             .before = joined_,
             .mean = moments.means(n_, part_),
             .squares = moments.squares(n_, part_)});
    joined_ += tile.rows * tile.columns;
  }

  const Schedule& s_;
  int64_t patch_pitch_, product_pitch_;
  float* patches_;   // V
  float* products_;  // M
  float* zeros_;     // a pixel outside the image
  int64_t n_ = 0, part_ = 0, count_ = 0;
  int64_t joined_ = 0;  // pixels that the task's moments know
};

}  // namespace

bool has_form(const Desc& desc) { return desc.kernel == Pair(3) && desc.stride == Pair(1); }

int64_t tiles(const Desc& desc, const Shape& output) {
  return count_starts(output.h(), desc.dilation.h) * count_starts(output.w(), desc.dilation.w);
}

int64_t packed_elements(const Desc& desc, const CpuConfig& config) {
  return checked_product({kPoints, round_up(desc.out_channels, config.block_channels()),
                          storage_channels(desc.in_channels)});
}

// Sixteen filters at once, so that lines of memory are written whole.
void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed) {
  // Rows of G: the filter's line at the points 0, 1, -1, 2, -2 and infinity, over B's scale.
  constexpr double kG[kPatch][3] = {{1.0 / 4, 0, 0},
                                    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                    {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                    {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                    {0, 0, 1}};
  constexpr auto kCount = static_cast<size_t>(kRowsTogether);
  const int64_t channels = storage_channels(desc.in_channels);
  const int64_t block = config.block_channels();
  const int64_t matrix = round_up(desc.out_channels, block) * channels;
  const int64_t filter = desc.in_channels * 9;
  for (int64_t first = 0; first < rows.count; first += kRowsTogether) {
    const auto count = static_cast<size_t>(std::min(kRowsTogether, rows.count - first));
    for (int64_t c = 0; c < desc.in_channels; ++c) {
      double w[9][kCount] = {};
      float* to[kCount];
      for (size_t r = 0; r < count; ++r) {
        const int64_t row = first + static_cast<int64_t>(r), k = rows.first + row;
        const float* from = weight.data() + row * filter + c * 9;
        for (size_t s = 0; s < 9; ++s) w[s][r] = double{from[s]};
        to[r] = packed.data() + (k / block * channels + c) * block + k % block;
      }
      for (size_t j = 0; j < kPatch; ++j) {
        double line[3][kCount];  // G w
        for (size_t s = 0; s < 3; ++s) {
          for (size_t r = 0; r < kCount; ++r) {
            line[s][r] = kG[j][0] * w[s][r] + kG[j][1] * w[3 + s][r] + kG[j][2] * w[6 + s][r];
          }
        }
        for (size_t i = 0; i < kPatch; ++i) {
          float point[kCount];
          for (size_t r = 0; r < kCount; ++r) {
            point[r] = static_cast<float>(line[0][r] * kG[i][0] + line[1][r] * kG[i][1] +
                                          line[2][r] * kG[i][2]);
          }
          const int64_t at = static_cast<int64_t>(j * kPatch + i) * matrix;
          for (size_t r = 0; r < count; ++r) to[r][at] = point[r];
        }
      }
    }
  }
}

int64_t workspace_elements(const Desc& desc, const CpuConfig& config) {
  const int64_t tile = kPoints * (patch_pitch(desc) + product_pitch(desc, config));
  return round_up(config.task_tiles * tile + patch_pitch(desc), 16);
}

void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel) {
  const int64_t share = workspace_elements(desc, config);
  const int64_t workers = std::min<int64_t>(
      parallel.threads(), static_cast<int64_t>(args.workspace.as<float>().size()) / share);
  if (workers < 1) {
    throw Error(ErrorCode::internal, to_string(desc) + ": the workspace holds " +
                                         std::to_string(args.workspace.as<float>().size()) +
                                         " elements, a thread needs " + std::to_string(share));
  }
  const Schedule schedule(desc, config, args);
  const int64_t tasks = args.output.shape.n() * schedule.tasks_of_image;
  std::atomic<int64_t> next{0};
  parallel.parallel_for(workers, [&](int64_t i) {
    Worker worker(schedule, args.workspace.as<float>().data() + i * share);
    for (int64_t task = next++; task < tasks; task = next++) worker.run(task);
  });
}

}  // namespace kintsugi::conv2d::winograd

// SPDX-License-Identifier: MIT
//
// What is solved for is not the picture but what must be added to `made`: it satisfies Laplace's
// equation in the holes and equals picture - made at the known pixels beside them. The matrix is
// the graph Laplacian of the holes' pixels, the same for all channels; conjugate gradients solve
// it, preconditioned by an incomplete Cholesky factor (Meijerink and van der Vorst 1977, modified
// after Gustafsson 1978), one pixel after the other: the same bits on every machine of IEEE 754.
#include "runtime/image/poisson.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/core/error.h"
#include "runtime/image/compose.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

constexpr double kTolerance = 1e-7;   // of the residual, beside the first one, where white is 255
constexpr double kModified = 0.97;    // how much of the fill-in goes to the diagonal
constexpr size_t kNone = ~size_t{0};  // no hole there

/// The pixels of all holes, row by row, and their four neighbours among them.
struct Domain {
  struct Node {
    int64_t y, x;
    size_t above, left, right, below;
    double neighbours;  // within the picture, known ones included
  };
  std::vector<Node> nodes;

  explicit Domain(const Mask& mask) {
    std::vector<size_t> number(mask.holes.size(), kNone);
    size_t next = 0;
    for (size_t i = 0; i < number.size(); ++i) {
      if (mask.holes[i] != 0) number[i] = next++;
    }
    nodes.reserve(next);
    const auto at = [&](int64_t y, int64_t x, double& neighbours) {
      if (y < 0 || y >= mask.height || x < 0 || x >= mask.width) return kNone;
      neighbours += 1;
      return number[static_cast<size_t>(y * mask.width + x)];
    };
    for (int64_t y = 0; y < mask.height; ++y) {
      for (int64_t x = 0; x < mask.width; ++x) {
        if (!mask.at(y, x)) continue;
        Node node{.y = y, .x = x};
        node.above = at(y - 1, x, node.neighbours);
        node.left = at(y, x - 1, node.neighbours);
        node.right = at(y, x + 1, node.neighbours);
        node.below = at(y + 1, x, node.neighbours);
        nodes.push_back(node);
      }
    }
  }
};

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class Solver {
 public:
  explicit Solver(const Domain& domain) : domain_(domain), inverse_(domain.nodes.size()) {
    // A pivot loses what its predecessors hand on, and most of what they would have to hand to
    // pixels that are no neighbours.
    for (size_t i = 0; i < inverse_.size(); ++i) {
      const Domain::Node& node = domain.nodes[i];
      double pivot = node.neighbours;
      for (const size_t j : {node.above, node.left}) {
        if (j == kNone) continue;
        const Domain::Node& from = domain.nodes[j];
        const bool other = (j == node.above ? from.right : from.below) != kNone;
        pivot -= inverse_[j] * (1 + (other ? kModified : 0));
      }
      inverse_[i] = 1 / pivot;
    }
  }

  /// Laplacian of the result = b, as exact beside a sample's step whatever white is; b is used up.
  [[nodiscard]] Vector operator()(Vector& residual, double white) const {
    Vector solution(residual.size(), 0);
    const double tolerance = kTolerance * (255 / white);
    const double goal = tolerance * tolerance * dot(residual, residual);
    Vector z = precondition(residual);
    Vector direction = z;
    Vector image(residual.size());
    double rho = dot(residual, z);
    // In exact arithmetic there are at most as many steps as unknowns.
    for (size_t step = 0; step < residual.size() + 10; ++step) {
      if (dot(residual, residual) <= goal) break;
      apply(direction, image);
      const double alpha = rho / dot(direction, image);
      for (size_t i = 0; i < residual.size(); ++i) {
        solution[i] += alpha * direction[i];
        residual[i] -= alpha * image[i];
      }
      z = precondition(residual);
      const double next = dot(residual, z);
      const double beta = next / rho;
      rho = next;
      for (size_t i = 0; i < residual.size(); ++i) direction[i] = z[i] + beta * direction[i];
    }
    return solution;
  }

 private:
  void apply(const Vector& x, Vector& y) const {
    for (size_t i = 0; i < x.size(); ++i) {
      const Domain::Node& node = domain_.nodes[i];
      double sum = node.neighbours * x[i];
      for (const size_t j : {node.above, node.left, node.right, node.below}) {
        if (j != kNone) sum -= x[j];
      }
      y[i] = sum;
    }
  }

  [[nodiscard]] Vector precondition(const Vector& residual) const {
    Vector z(residual.size());
    for (size_t i = 0; i < z.size(); ++i) {
      const Domain::Node& node = domain_.nodes[i];
      double sum = residual[i];
      if (node.above != kNone) sum += z[node.above];
      if (node.left != kNone) sum += z[node.left];
      z[i] = sum * inverse_[i];
    }
    for (size_t i = z.size(); i-- > 0;) {
      const Domain::Node& node = domain_.nodes[i];
      double sum = 0;
      if (node.right != kNone) sum += z[node.right];
      if (node.below != kNone) sum += z[node.below];
      z[i] += sum * inverse_[i];
    }
    return z;
  }

  const Domain& domain_;
  Vector inverse_;  // of the pivots
};

}  // namespace

void require_same_kind(const ImageView& a, const ImageView& b) {
  if (a.channels == b.channels && a.bits == b.bits) return;
  throw Error(ErrorCode::mismatch, "only pictures of the same channels and bits can be blended");
}

Image fill_poisson(const ImageView& picture, const Mask& mask, const ImageView& made) {
  require_same_extent(picture, mask);
  require_same_extent(made, mask);
  require_same_kind(picture, made);
  Image result = copy_of(picture);
  const Domain domain(mask);
  if (domain.nodes.empty()) return result;
  if (static_cast<int64_t>(domain.nodes.size()) == mask.height * mask.width) {
    return composite(picture, mask, made);
  }
  const Solver solve(domain);
  const double white = white_of(picture.bits);
  for (int64_t c = 0; c < colours(picture.channels); ++c) {
    const auto missing = [&](int64_t y, int64_t x) {
      if (y < 0 || y >= mask.height || x < 0 || x >= mask.width || mask.at(y, x)) return 0;
      return sample_at(picture, y, x, c) - sample_at(made, y, x, c);
    };
    Vector given;
    given.reserve(domain.nodes.size());
    for (const Domain::Node& node : domain.nodes) {
      const auto [y, x] = std::pair(node.y, node.x);
      given.push_back(static_cast<double>(missing(y - 1, x) + missing(y + 1, x) +
                                          missing(y, x - 1) + missing(y, x + 1)));
    }
    const Vector added = solve(given, white);
    for (size_t i = 0; i < added.size(); ++i) {
      const Domain::Node& node = domain.nodes[i];
      const double value = added[i] + static_cast<double>(sample_at(made, node.y, node.x, c));
      const int64_t at = (node.y * picture.width + node.x) * picture.channels + c;
      put_sample(result, at, static_cast<int32_t>(std::lround(std::clamp(value, 0.0, white))));
    }
  }
  return result;
}

}  // namespace kintsugi::image

#pragma once

#include <algorithm>
#include <array>
#include <cmath>

namespace rmem {

/**
 * Least squares that forgets, with a constant pull of all coefficients to zero: after n updates what was
 * learned counts 2^(-n / halfLife), the pull always `ridge` values of variance one. So the prior is "no
 * change", and what nothing supports any more decays back to it, where recursive least squares with
 * forgetting would let its covariance grow without bound.
 */
template <int N>
class RecursiveRidge {
 public:
  using Vector = std::array<double, N>;

  explicit RecursiveRidge(double ridge) : ridge_(ridge) {}

  /** Learns; what it predicts follows with the next Solve. */
  void Update(const Vector& features, double target, double weight, double keep) {
    for (int row = 0; row < N; ++row) {
      const double scaled = weight * features[row];
      for (int column = 0; column <= row; ++column)
        products_[row][column] = keep * products_[row][column] + scaled * features[column];
      targets_[row] = keep * targets_[row] + scaled * target;
    }
  }

  /** All that was learned counts so much of what it did. */
  void Fade(double share) {
    for (auto& row : products_)
      for (double& value : row) value *= share;
    for (double& value : targets_) value *= share;
  }

  /** By Cholesky's decomposition; the pull keeps it positive definite. */
  void Solve() {
    std::array<Vector, N> lower;
    std::array<double, N> inverse;
    for (int row = 0; row < N; ++row) {
      for (int column = 0; column < row; ++column) {
        double sum = products_[row][column];
        for (int k = 0; k < column; ++k) sum -= lower[row][k] * lower[column][k];
        lower[row][column] = sum * inverse[column];
      }
      double pivot = products_[row][row] + ridge_;
      for (int k = 0; k < row; ++k) pivot -= lower[row][k] * lower[row][k];
      inverse[row] = 1 / std::sqrt(std::max(pivot, 1e-9 * ridge_));
    }
    Vector forward;
    for (int row = 0; row < N; ++row) {
      double sum = targets_[row];
      for (int k = 0; k < row; ++k) sum -= lower[row][k] * forward[k];
      forward[row] = sum * inverse[row];
    }
    for (int row = N - 1; row >= 0; --row) {
      double sum = forward[row];
      for (int k = row + 1; k < N; ++k) sum -= lower[k][row] * coefficients_[k];
      coefficients_[row] = sum * inverse[row];
    }
  }

  double Predict(const Vector& features) const {
    double sum = 0;
    for (int at = 0; at < N; ++at) sum += coefficients_[at] * features[at];
    return sum;
  }

 private:
  double ridge_;
  std::array<Vector, N> products_{};
  Vector targets_{};
  Vector coefficients_{};
};

}  // namespace rmem

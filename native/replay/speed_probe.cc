#include "replay/speed_probe.h"

#include "base/clock.h"

namespace rmem {
namespace {

constexpr int kSteps = 12'000;

}  // namespace

std::uint64_t ProbeSpeed() {
  const std::uint64_t startNs = MonotonicNs();
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  for (int i = 0; i < kSteps; ++i) {
    // Eight chains: no addition waits for another of the same step. The asm keeps them from being folded into
    // one.
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
    a += 1;
    b += 3;
    c += 5;
    d += 7;
    e += 9;
    f += 11;
    g += 13;
    h += 15;
  }
  asm volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f), "r"(g), "r"(h));
  return MonotonicNs() - startNs;
}

}  // namespace rmem

#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "trace/event.h"

namespace rmem {

/** What a random trace may hold. */
struct RandomTraceOptions {
  std::uint32_t threads = 4;
  std::size_t events = 200;
  std::uint64_t maxSize = 600;
  bool hugeSizes = false;   // now and then a size over 4 GiB, for tests that allocate nothing
  bool marks = false;       // `start` (name 1) and `stop` (name 2) somewhere inside
  bool threadEnds = false;  // threads may end, and the same thread go on later
};

/**
 * A small valid trace, in canonical form: blocks born on any thread and freed on any other, transactions with
 * nested savepoints begun and ended anywhere, blocks that outlive their scope and blocks that die with it.
 */
inline std::vector<Event> RandomTrace(std::uint64_t seed, const RandomTraceOptions& options) {
  struct Block {
    std::uint64_t id, scope;
    bool dies;
  };
  struct Scope {
    std::uint64_t id, parent;
    std::uint32_t thread;
    int children;
  };
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  std::vector<Event> events;
  std::vector<Block> live;
  std::vector<Scope> open;
  std::uint64_t births = 0, begins = 0, time = 1000;
  std::uint32_t thread = 0;
  std::size_t startAt = options.marks ? below(options.events / 2 + 1) : ~std::size_t{0};
  std::size_t stopAt = options.marks ? startAt + below(options.events / 2 + 1) : ~std::size_t{0};

  const auto push = [&](Event event) {
    event.thread = thread;
    event.timeNs = time += below(200);
    event.position = events.size() + 1;
    events.push_back(event);
  };
  const auto size = [&]() -> std::uint64_t {
    if (options.hugeSizes && below(40) == 0) return (std::uint64_t{4} << 30) + below(1000);
    return below(8) == 0 ? below(16) : below(options.maxSize);
  };

  while (events.size() < options.events) {
    if (events.size() >= startAt) {
      startAt = ~std::size_t{0};
      push({.type = EventType::kMark, .name = 1});
    }
    if (events.size() >= stopAt) {
      stopAt = ~std::size_t{0};
      push({.type = EventType::kMark, .name = 2});
    }
    if (below(3) == 0) thread = static_cast<std::uint32_t>(below(options.threads));
    const std::uint64_t dice = below(100);
    if (dice < 45) {
      Event event{.type = EventType::kAlloc, .id = ++births, .size = size()};
      if (below(6) == 0) event.flags |= kFlagZeroed;
      if (below(8) == 0) event.alignment = 1u << (3 + below(6));
      Block block{births, 0, false};
      if (!open.empty() && below(4) != 0) {
        event.scope = block.scope = open[below(open.size())].id;
        if (below(3) == 0) {
          event.flags |= kFlagDiesWithScope;
          block.dies = true;
        }
      }
      push(event);
      live.push_back(block);
    } else if (dice < 75) {
      if (live.empty()) continue;
      const std::size_t at = below(4) == 0 ? live.size() - 1 : below(live.size());
      push({.type = EventType::kFree, .id = live[at].id});
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (dice < 82) {
      if (live.empty()) continue;
      Block& block = live[below(live.size())];
      Event event{.type = EventType::kRealloc, .id = block.id, .newId = ++births, .size = 1 + size()};
      // Most stay as they were; some move to another transaction, or out of all, and may die with it or not.
      const bool moves = below(4) == 0;
      event.scope = !moves ? block.scope : open.empty() || below(3) == 0 ? 0 : open[below(open.size())].id;
      const bool dies = event.scope != 0 && (moves ? below(2) == 0 : block.dies);
      if (dies) event.flags |= kFlagDiesWithScope;
      push(event);
      block = {births, event.scope, dies};
    } else if (dice < 90) {
      if (open.size() > 6) continue;
      Scope scope{++begins, 0, thread, 0};
      if (!open.empty() && below(2) == 0) {
        Scope& parent = open[below(open.size())];
        scope.parent = parent.id;
        ++parent.children;
      }
      push({.type = EventType::kBegin, .name = 0, .id = scope.id, .scope = scope.parent});
      open.push_back(scope);
    } else if (dice < 98) {
      if (open.empty()) continue;
      const std::size_t at = below(open.size());
      const Scope scope = open[at];
      if (scope.children > 0) continue;
      if (below(5) != 0) thread = scope.thread;
      Event event{.type = below(3) == 0 ? EventType::kAbort : EventType::kCommit, .id = scope.id};
      const bool inherit = event.type == EventType::kCommit && scope.parent != 0 && below(2) == 0;
      if (inherit) event.flags |= kFlagInherit;
      push(event);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      for (Scope& other : open) other.children -= other.id == scope.parent ? 1 : 0;
      if (inherit) {
        for (Block& block : live) {
          if (block.scope == scope.id) block.scope = scope.parent;
        }
      } else {
        std::erase_if(live, [&](const Block& block) { return block.scope == scope.id && block.dies; });
        for (Block& block : live) {
          if (block.scope == scope.id) block.scope = 0;
        }
      }
    } else if (options.threadEnds && below(4) == 0) {
      push({.type = EventType::kThreadEnd});
    } else {
      push({.type = EventType::kSample, .id = 100, .newId = kAbsent, .size = 50, .scope = kAbsent});
    }
  }
  return events;
}

}  // namespace rmem

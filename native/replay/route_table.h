#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "alloc/heap_config.h"
#include "replay/malloc_relief.h"
#include "replay/plan.h"
#include "replay/stream_context.h"

namespace rmem {

enum class ReplayMode : std::uint8_t { kTimed, kMemory, kCheck, kLatency };

/** Takes a figure of an allocator: a name with its unit, and a number. */
struct StatVisitor {
  void* sink;
  void (*take)(void* sink, const char* name, std::uint64_t value);
};

/** A route as the runners see it: the loops compiled for it, and what happens between passes. */
struct RouteTable {
  /** Whether it gives memory that can be written to, and so checked. */
  bool givesMemory;
  /** The route, its heap (if it is one of ours) so configured; null where there is no memory for it. */
  void* (*create)(const HeapConfig& config);
  /** The loop of a round; `streams`: free order of more than one. */
  LoopFunction (*loop)(ReplayMode mode, bool streams);
  /** Frees what is alive after a pass and aborts the open transactions. False: a check failed (check round).
   */
  bool (*clear)(StreamContext& context, std::span<const PlanLeftover> leftovers,
                std::span<const std::uint32_t> openScopes);
  void (*visitStats)(void* route, const StatVisitor& visit);
  /** By what calls it gives memory back to the system; null: it can't, as far as is known here. */
  const char* (*reliefName)();
  void (*relieve)(void* route, Relief relief);
};

struct NamedRoute {
  std::string_view name;
  const RouteTable* table;
};

/** Every route, by the name it has on the command line. */
std::span<const NamedRoute> Routes();

/** Null where there is none of that name. */
const RouteTable* FindRoute(std::string_view name);

}  // namespace rmem

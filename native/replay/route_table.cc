#include "replay/route_table.h"

#include "replay/route_tables.h"

namespace rmem {

std::span<const NamedRoute> Routes() {
  static constexpr NamedRoute kRoutes[] = {
      {"none", &kNoneTable},   {"malloc", &kMallocTable}, {"slab", &kSlabTable},
      {"arena", &kArenaTable}, {"large", &kLargeTable},   {"rustydb", &kRustydbTable},
  };
  return kRoutes;
}

const RouteTable* FindRoute(std::string_view name) {
  for (const NamedRoute& route : Routes()) {
    if (route.name == name) return route.table;
  }
  return nullptr;
}

}  // namespace rmem

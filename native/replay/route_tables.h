#pragma once

#include "replay/route_table.h"

namespace rmem {

// One source file each, since each compiles all loops anew.
extern const RouteTable kNoneTable;
extern const RouteTable kMallocTable;
extern const RouteTable kSlabTable;
extern const RouteTable kArenaTable;
extern const RouteTable kLargeTable;
extern const RouteTable kRustydbTable;

}  // namespace rmem

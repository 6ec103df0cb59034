#include "replay/route_table_of.h"
#include "replay/route_tables.h"
#include "replay/routes.h"

namespace rmem {

const RouteTable kArenaTable = RouteTableOf<HeapRoute<Preset::kArena>>::kTable;

}  // namespace rmem

#include "replay/route_table_of.h"
#include "replay/route_tables.h"
#include "replay/routes.h"

namespace rmem {

const RouteTable kLargeTable = RouteTableOf<HeapRoute<Preset::kLarge>>::kTable;

}  // namespace rmem

#include "replay/route_table_of.h"
#include "replay/route_tables.h"
#include "replay/routes.h"

namespace rmem {

const RouteTable kRustydbTable = RouteTableOf<HeapRoute<Preset::kRustydb>>::kTable;

}  // namespace rmem

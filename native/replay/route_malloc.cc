#include "replay/route_table_of.h"
#include "replay/route_tables.h"
#include "replay/routes.h"

namespace rmem {

const RouteTable kMallocTable = RouteTableOf<MallocRoute>::kTable;

}  // namespace rmem

#include "replay/route_table_of.h"
#include "replay/route_tables.h"
#include "replay/routes.h"

namespace rmem {

const RouteTable kNoneTable = RouteTableOf<NoneRoute>::kTable;

}  // namespace rmem

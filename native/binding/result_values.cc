#include "binding/result_values.h"

namespace rmem {

Napi::Object Distribution(Napi::Env env, const LogCounts& counts) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "count", counts.total());
  Set(object, "min", counts.min());
  Set(object, "p10", counts.Quantile(0.1));
  Set(object, "p50", counts.Quantile(0.5));
  Set(object, "p90", counts.Quantile(0.9));
  Set(object, "p99", counts.Quantile(0.99));
  Set(object, "p999", counts.Quantile(0.999));
  Set(object, "max", counts.max());
  object.Set("byBitWidth", Widths64(env, counts.ByBitWidth()));
  return object;
}

}  // namespace rmem

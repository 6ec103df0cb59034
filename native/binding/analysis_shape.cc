#include "binding/analysis_shape.h"

#include "binding/result_values.h"
#include "binding/size_class_waste.h"

namespace rmem {
namespace {

Napi::Object Waste(Napi::Env env, const RoundingWaste& waste) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "requestedBytes", waste.requestedBytes);
  Set(object, "wastedBytes", waste.wastedBytes);
  return object;
}

}  // namespace

Napi::Object ToProfile(Napi::Env env, const TransactionProfile& profile) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("blocks", Distribution(env, profile.blocks));
  object.Set("bytes", Distribution(env, profile.bytes));
  object.Set("survivors", Distribution(env, profile.survivors));
  object.Set("durationEvents", Distribution(env, profile.durationEvents));
  object.Set("durationNs",
             profile.durationNs.total() == 0 ? env.Null() : Distribution(env, profile.durationNs));
  return object;
}

Napi::Object ToBursts(Napi::Env env, const BurstShape& bursts) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("allocRuns", Distribution(env, bursts.allocRuns));
  object.Set("freeRuns", Distribution(env, bursts.freeRuns));
  Set(object, "frees", bursts.frees);
  Set(object, "lifoFrees", bursts.lifoFrees);
  object.Set("reuseEvents", Distribution(env, bursts.reuseEvents));
  Set(object, "freshBirths", bursts.freshBirths);
  return object;
}

Napi::Array ToClassWaste(Napi::Env env, const TraceAnalysis& analysis) {
  return List(env, WasteOfSizeClasses(analysis.sizeUses), [env](const ClassWaste& waste) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("rounding", Napi::String::New(env, waste.rounding));
    object.Set("atPeak", Waste(env, waste.atPeak));
    object.Set("overBirths", Waste(env, waste.overBirths));
    object.Set("worst", List(env, waste.worst, [env](const WastefulSize& size) {
                 Napi::Object entry = Napi::Object::New(env);
                 Set(entry, "bytes", size.size);
                 Set(entry, "servedBytes", size.servedBytes);
                 Set(entry, "births", size.births);
                 Set(entry, "wastedBytes", size.wastedBytes);
                 return entry;
               }));
    return object;
  });
}

}  // namespace rmem

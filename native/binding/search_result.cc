#include "binding/search_result.h"

#include "binding/result_values.h"

namespace rmem {
namespace {

Napi::Object Level(Napi::Env env, const PhaseLevels& levels, unsigned index) {
  const PhaseLevel& level = levels[index];
  Napi::Object object = Napi::Object::New(env);
  Set(object, "longestLifeEvents", LongestLife(index));
  Set(object, "phases", level.phases);
  Set(object, "blocks", level.blocks);
  Set(object, "bytes", level.bytes);
  Set(object, "births", level.births);
  Set(object, "mostBlocks", level.mostBlocks);
  object.Set("typicalBlocks", Napi::Number::New(env, level.typicalBlocks()));
  object.Set("typicalEvents", Napi::Number::New(env, level.typicalEvents()));
  object.Set("stability", index + 1 < kPhaseLevels
                              ? Napi::Value(Napi::Number::New(env, Stability(levels, index)))
                              : env.Null());
  return object;
}

Napi::Object Thread(Napi::Env env, const ThreadPhases& thread) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "thread", thread.originThread);
  Set(object, "births", thread.births);
  Set(object, "bytes", thread.bytes);
  Set(object, "ownDeaths", thread.ownDeaths);
  Set(object, "handedOver", thread.handedOver);
  object.Set("chosen", thread.chosen ? Napi::Value(Number(env, *thread.chosen)) : env.Null());
  Napi::Array levels = Napi::Array::New(env, kPhaseLevels);
  for (unsigned index = 0; index < kPhaseLevels; ++index) {
    levels.Set(index, Level(env, thread.levels, index));
  }
  object.Set("levels", levels);
  return object;
}

}  // namespace

Napi::Object ToSearchResult(Napi::Env env, const TransactionSearch& search) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "births", search.births);
  Set(object, "bytes", search.bytes);
  Set(object, "handedOver", search.handedOver);
  object.Set("threads",
             List(env, search.threads, [env](const ThreadPhases& thread) { return Thread(env, thread); }));
  const FoundPhases& found = search.found;
  Napi::Object phases = Napi::Object::New(env);
  Set(phases, "phases", found.phases);
  Set(phases, "heldBlocks", found.heldBlocks);
  Set(phases, "heldBytes", found.heldBytes);
  Set(phases, "survivors", found.survivors);
  phases.Set("blocks", Distribution(env, found.blocks));
  phases.Set("bytes", Distribution(env, found.bytes));
  phases.Set("events", Distribution(env, found.events));
  object.Set("found", phases);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(search.boundaries.data());
  object.Set("boundaries", Napi::Buffer<std::uint8_t>::Copy(env, bytes, search.boundaries.size()));
  return object;
}

}  // namespace rmem

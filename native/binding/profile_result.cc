#include "binding/profile_result.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "binding/result_values.h"

namespace rmem {
namespace {

/** Rows in the order of their keys, so that the same trace gives the same result. */
template <class Map, class F>
Napi::Array Rows(Napi::Env env, const Map& rows, F&& fill) {
  std::vector<std::pair<typename Map::key_type, typename Map::mapped_type>> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Napi::Array list = Napi::Array::New(env, sorted.size());
  std::uint32_t at = 0;
  for (const auto& [key, count] : sorted) {
    Napi::Object row = Napi::Object::New(env);
    fill(row, key, count);
    list.Set(at++, row);
  }
  return list;
}

void SetCount(Napi::Object& row, const BlockCount& count) {
  Set(row, "blocks", count.blocks);
  Set(row, "bytes", count.bytes);
}

Napi::Array Sites(Napi::Env env, const AllocationGroup& group) {
  return Rows(env, group.sites, [](Napi::Object& row, std::uint32_t site, const SiteCount& count) {
    Set(row, "site", site);
    Set(row, "samples", count.samples);
    row.Set("blocks", count.blocks);
    row.Set("bytes", count.bytes);
    row.Set("blocksVariance", count.blocksVariance);
    row.Set("bytesVariance", count.bytesVariance);
  });
}

Napi::Object Group(Napi::Env env, const AllocationGroup& group, const TraceInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "transactions", group.transactions);
  Set(object, "aborts", group.aborts);
  Set(object, "openAtEnd", group.openAtEnd);
  Set(object, "blocks", group.all.blocks);
  Set(object, "bytes", group.all.bytes);
  Set(object, "reallocs", group.reallocs);
  object.Set("sizes",
             Rows(env, group.sizes, [](Napi::Object& row, std::uint64_t size, const BlockCount& count) {
               Set(row, "sizeBytes", size);
               SetCount(row, count);
             }));
  object.Set("kinds",
             Rows(env, group.kinds, [&](Napi::Object& row, std::uint16_t kind, const BlockCount& count) {
               row.Set("kind", NameAt(env, info.names.kinds, kind));
               SetCount(row, count);
             }));
  if (!info.callSites.empty()) object.Set("callSites", Sites(env, group));
  return object;
}

}  // namespace

Napi::Object ProfileResult(Napi::Env env, const AllocationProfile& profile, const TraceInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "events", profile.events);
  SetTime(object, "firstTimeNs", profile.firstTimeNs);
  SetTime(object, "lastTimeNs", profile.lastTimeNs);
  object.Set("windowed", Napi::Boolean::New(env, profile.windowed));
  Set(object, "roundedBlocks", profile.roundedBlocks);
  Set(object, "unlistedBlocks", profile.unlistedBlocks);
  object.Set("outside", Group(env, profile.outside, info));
  Napi::Array types = Napi::Array::New(env);
  for (const auto& [index, group] : profile.types) {
    Napi::Object type = Group(env, group, info);
    type.Set("type", NameAt(env, info.names.transactionTypes, index));
    types.Set(types.Length(), type);
  }
  object.Set("types", types);
  return object;
}

}  // namespace rmem

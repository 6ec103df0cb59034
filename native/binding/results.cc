#include "binding/results.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "binding/analysis_shape.h"
#include "binding/profile_result.h"
#include "binding/result_values.h"
#include "binding/search_result.h"
#include "binding/series_result.h"

namespace rmem {
namespace {

Napi::Object Point(Napi::Env env, const LivePoint& point) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "event", point.event);
  SetTime(object, "timeNs", point.timeNs);
  Set(object, "liveBytes", point.bytes);
  Set(object, "liveBlocks", point.blocks);
  return object;
}

Napi::Object EventCounts(Napi::Env env, const TraceAnalysis& a) {
  static constexpr const char* kNames[kEventTypeCount] = {
      "alloc", "free", "realloc", "begin", "commit", "abort", "threadStart", "threadEnd", "mark", "sample"};
  Napi::Object object = Napi::Object::New(env);
  for (int type = 0; type < kEventTypeCount; ++type) {
    Set(object, kNames[type], a.eventsByType[static_cast<std::size_t>(type)]);
  }
  return object;
}

/** Bytes by the bit width of the block's size: of all births, or of what is alive at the peak. */
std::array<std::uint64_t, 65> BytesByWidth(const std::vector<SizeUse>& uses, std::uint64_t SizeUse::*blocks) {
  std::array<std::uint64_t, 65> widths{};
  for (const SizeUse& use : uses) widths[std::bit_width(use.size)] += use.size * (use.*blocks);
  return widths;
}

Napi::Object Sizes(Napi::Env env, const TraceAnalysis& a) {
  Napi::Object object = Distribution(env, a.sizes);
  object.Set("bytesByBitWidth", Widths64(env, BytesByWidth(a.sizeUses, &SizeUse::births)));
  object.Set("peakBytesByBitWidth", Widths64(env, BytesByWidth(a.sizeUses, &SizeUse::atPeak)));
  object.Set("top", List(env, a.topSizes, [env](const SizeCount& size) {
               Napi::Object entry = Napi::Object::New(env);
               Set(entry, "bytes", size.size);
               Set(entry, "count", size.count);
               return entry;
             }));
  object.Set("topIsExact", Napi::Boolean::New(env, a.topSizesExact));
  return object;
}

Napi::Array Alignments(Napi::Env env, const TraceAnalysis& a) {
  Napi::Array list = Napi::Array::New(env);
  for (std::size_t log2 = 0; log2 < a.alignments.size(); ++log2) {
    if (a.alignments[log2] == 0) continue;
    Napi::Object entry = Napi::Object::New(env);
    Set(entry, "alignment", std::uint64_t{1} << log2);
    Set(entry, "count", a.alignments[log2]);
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Object Reallocs(Napi::Env env, const TraceAnalysis& a) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "grown", a.reallocsGrown);
  Set(object, "shrunk", a.reallocsShrunk);
  Set(object, "same", a.reallocsSame);
  Set(object, "keptBytes", a.reallocBytesKept);
  Set(object, "blocks", a.reallocatedBlocks);
  Set(object, "longestChain", a.longestReallocChain);
  Set(object, "crossThread", a.crossThreadReallocs);
  return object;
}

Napi::Array Threads(Napi::Env env, const TraceAnalysis& a) {
  return List(env, a.threads, [env](const ThreadActivity& thread) {
    Napi::Object entry = Napi::Object::New(env);
    Set(entry, "thread", thread.originThread);
    Set(entry, "events", thread.events);
    Set(entry, "births", thread.births);
    Set(entry, "frees", thread.frees);
    Set(entry, "bytes", thread.bytes);
    Set(entry, "firstEvent", thread.firstEvent);
    Set(entry, "lastEvent", thread.lastEvent);
    entry.Set("ended", Napi::Boolean::New(env, thread.ended));
    return entry;
  });
}

Napi::Object Transactions(Napi::Env env, const TraceAnalysis& a, const TraceNames& names) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "begun", a.transactions);
  Set(object, "savepoints", a.savepoints);
  Set(object, "commits", a.commits);
  Set(object, "releases", a.releases);
  Set(object, "aborts", a.aborts);
  Set(object, "impliedFrees", a.impliedFrees);
  Set(object, "deepestNesting", a.deepestNesting);
  Set(object, "mostOpen", a.mostOpen);
  Set(object, "openAtEnd", a.openAtEnd);
  Set(object, "scopedBlocks", a.scopedBlocks);
  Set(object, "scopedBytes", a.scopedBytes);
  Set(object, "outlivingBlocks", a.outlivingBlocks);
  object.Set("blocks", Distribution(env, a.profile.blocks));
  object.Set("profile", ToProfile(env, a.profile));
  Napi::Array types = Napi::Array::New(env);
  for (std::size_t index = 0; index < a.transactionTypes.size(); ++index) {
    const TransactionTypeActivity& type = a.transactionTypes[index];
    if (type.begins == 0) continue;
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("type", NameAt(env, names.transactionTypes, index));
    Set(entry, "begins", type.begins);
    Set(entry, "commits", type.commits);
    Set(entry, "aborts", type.aborts);
    Set(entry, "blocks", type.blocks);
    Set(entry, "bytes", type.bytes);
    entry.Set("profile", type.profile < 0
                             ? env.Null()
                             : ToProfile(env, a.typeProfiles[static_cast<std::size_t>(type.profile)]));
    types.Set(types.Length(), entry);
  }
  object.Set("types", types);
  return object;
}

Napi::Array Kinds(Napi::Env env, const TraceAnalysis& a, const TraceNames& names) {
  Napi::Array list = Napi::Array::New(env);
  for (std::size_t index = 0; index < a.kinds.size(); ++index) {
    const KindActivity& kind = a.kinds[index];
    if (kind.births == 0) continue;
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("kind", NameAt(env, names.kinds, index));
    Set(entry, "births", kind.births);
    Set(entry, "bytes", kind.bytes);
    Set(entry, "liveBytes", kind.liveBytes);
    Set(entry, "liveBlocks", kind.liveBlocks);
    Set(entry, "peakLiveBytes", kind.peakLiveBytes);
    entry.Set("lifetimeEventsByBitWidth", Widths64(env, kind.lifetimeWidths));
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Object Analysis(Napi::Env env, const TraceAnalysis& a, const TraceNames& names) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "events", a.events);
  object.Set("eventsByType", EventCounts(env, a));
  SetTime(object, "firstTimeNs", a.firstTimeNs);
  SetTime(object, "lastTimeNs", a.lastTimeNs);
  Set(object, "requestedBytes", a.bytesRequested);
  Set(object, "zeroedBlocks", a.zeroedBlocks);
  Set(object, "zeroedBytes", a.zeroedBytes);
  Set(object, "defaultAlignments", a.defaultAlignments);
  object.Set("alignments", Alignments(env, a));
  Set(object, "toldFrees", a.toldFrees);
  Set(object, "wronglyToldFrees", a.wronglyToldFrees);
  object.Set("sizes", Sizes(env, a));
  object.Set("lifetimeEvents", Distribution(env, a.lifetimeEvents));
  object.Set("lifetimeNs", a.lifetimeNs.total() == 0 ? env.Null() : Distribution(env, a.lifetimeNs));
  object.Set("peak", Point(env, a.peak));
  Set(object, "peakLiveBlocks", a.peakBlocks);
  object.Set("end", Point(env, a.end));
  object.Set("liveOverTime",
             List(env, a.liveOverTime, [env](const LivePoint& point) { return Point(env, point); }));
  if (a.hasOpening) {
    Napi::Object opening = Point(env, a.opening);
    Set(opening, "openTransactions", a.openingTransactions);
    object.Set("opening", opening);
  } else {
    object.Set("opening", env.Null());
  }
  object.Set("threads", Threads(env, a));
  Set(object, "crossThreadFrees", a.crossThreadFrees);
  object.Set("bursts", ToBursts(env, a.bursts));
  object.Set("classWaste", ToClassWaste(env, a));
  object.Set("reallocs", Reallocs(env, a));
  object.Set("transactions", Transactions(env, a, names));
  object.Set("kinds", Kinds(env, a, names));
  object.Set("marks", List(env, a.marks, [env, &names](const MarkSeen& mark) {
               Napi::Object entry = Napi::Object::New(env);
               Set(entry, "event", mark.event);
               entry.Set("text", NameAt(env, names.marks, mark.text));
               return entry;
             }));
  Set(object, "samples", a.samples);
  Set(object, "largestSampleUsedBytes", a.largestSampleUsed);
  return object;
}

Napi::Object Plan(Napi::Env env, const PlanSummary& plan) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "traceEvents", plan.traceEvents);
  Set(object, "events", plan.events);
  Set(object, "measuredEvents", plan.measuredEvents);
  Set(object, "impliedFrees", plan.impliedFrees);
  Set(object, "measuredImpliedFrees", plan.measuredImpliedFrees);
  Set(object, "transactions", plan.transactions);
  Set(object, "scopedBlocks", plan.scopedBlocks);
  Set(object, "eligibleBlocks", plan.eligibleBlocks);
  Set(object, "crossThreadFrees", plan.crossThreadFrees);
  Set(object, "frees", plan.frees);
  Set(object, "waits", plan.waits);
  Set(object, "windows", plan.windows);
  object.Set("spanNs",
             plan.times > 0 ? Napi::Number::New(env, static_cast<double>(plan.spanNs)) : env.Null());
  Set(object, "sampledTotalBytes", plan.sampledTotalBytes);
  Set(object, "openingBlocks", plan.openingBlocks);
  Set(object, "leftoverBlocks", plan.leftoverBlocks);
  Set(object, "peakLiveBytes", plan.peakLiveBytes);
  Set(object, "peakLiveBlocks", plan.peakLiveBlocks);
  Set(object, "instructions", plan.instructions);
  Set(object, "planBytes", plan.planBytes);
  Set(object, "threads", plan.threads);
  Set(object, "streams", plan.streams);
  Set(object, "slots", plan.slots);
  Set(object, "scopeSlots", plan.scopeSlots);
  return object;
}

Napi::Object Report(Napi::Env env, const ImportReport& report) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "linesRead", report.linesRead);
  Set(object, "events", report.events);
  Set(object, "dropped", report.Dropped());
  Set(object, "repaired", report.Repaired());
  object.Set("repairs", List(env, report.repairs, [env](const auto& repair) {
               Napi::Object entry = Napi::Object::New(env);
               entry.Set("category", Napi::String::New(env, repair.first));
               entry.Set("dropped", Napi::Boolean::New(env, repair.second.dropped));
               Set(entry, "count", repair.second.count);
               entry.Set("firstPositions",
                         List(env, repair.second.firstPositions,
                              [env](std::uint64_t position) { return Number(env, position); }));
               return entry;
             }));
  object.Set("warnings", List(env, report.warnings,
                              [env](const std::string& warning) { return Napi::String::New(env, warning); }));
  return object;
}

/** The table as flat arrays, by index: JavaScript makes texts of the few stacks that it shows. */
Napi::Value CallTable(Napi::Env env, const CallSites& sites) {
  if (sites.empty()) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("modules", List(env, sites.modules(), [env](const CallModule& module) {
               return Napi::String::New(env, module.path);
             }));
  object.Set("frames", List(env, sites.frames(), [env](const CallFrame& frame) {
               Napi::Object entry = Napi::Object::New(env);
               Set(entry, "module", frame.module);
               Set(entry, "offset", frame.offset);
               entry.Set("symbol", Napi::String::New(env, frame.symbol));
               return entry;
             }));
  Napi::Uint32Array nodes = Napi::Uint32Array::New(env, sites.nodes().size() * 2);
  for (std::size_t at = 0; at < sites.nodes().size(); ++at) {
    nodes[2 * at] = sites.nodes()[at].parent;
    nodes[2 * at + 1] = sites.nodes()[at].frame;
  }
  object.Set("nodes", nodes);
  return object;
}

Napi::Object CallSiteActivities(Napi::Env env, const CallSiteAnalysis& a) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, "blocks", a.blocks);
  Set(object, "bytes", a.bytes);
  Set(object, "peakBytes", a.peakBytes);
  Set(object, "samples", a.samples);
  Napi::Array sites = Napi::Array::New(env);
  for (std::size_t site = 0; site < a.sites.size(); ++site) {
    const CallSiteActivity& activity = a.sites[site];
    if (activity.samples == 0) continue;
    Napi::Object entry = Napi::Object::New(env);
    Set(entry, "site", site);
    Set(entry, "samples", activity.samples);
    entry.Set("blocks", activity.blocks);
    entry.Set("bytes", activity.bytes);
    entry.Set("peakBytes", activity.peakBytes);
    entry.Set("peakBlocks", activity.peakBlocks);
    entry.Set("endBytes", activity.endBytes);
    sites.Set(sites.Length(), entry);
  }
  object.Set("sites", sites);
  return object;
}

}  // namespace

Napi::Object ToResult(Napi::Env env, const Pipeline& pipeline) {
  const TraceInfo& result = pipeline.resultInfo();
  Napi::Object object = Napi::Object::New(env);
  Set(object, "sourceEvents", pipeline.sourceEvents());
  Set(object, "resultEvents", pipeline.resultEvents());
  Napi::Object header = Napi::Object::New(env);
  for (const auto& [key, value] : result.header) header.Set(key, Napi::String::New(env, value));
  object.Set("header", header);
  object.Set("report", Report(env, pipeline.info().report));
  const TraceAnalysis* analysis = pipeline.analysis();
  object.Set("analysis", analysis == nullptr ? env.Null() : Analysis(env, *analysis, result.names));
  const AllocationProfile* profile = pipeline.profile();
  object.Set("profile", profile == nullptr ? env.Null() : ProfileResult(env, *profile, result));
  object.Set("callTable", CallTable(env, result.callSites));
  const CallSiteAnalysis* sites = pipeline.callSites();
  object.Set("callSites", sites == nullptr ? env.Null() : CallSiteActivities(env, *sites));
  const PlanSummary* plan = pipeline.plan();
  object.Set("plan", plan == nullptr ? env.Null() : Plan(env, *plan));
  const TransactionSearch* search = pipeline.search();
  object.Set("search", search == nullptr ? env.Null() : ToSearchResult(env, *search));
  const SeriesSink* series = pipeline.series();
  object.Set("series", series == nullptr ? env.Null() : ToSeriesResult(env, *series));
  return object;
}

}  // namespace rmem

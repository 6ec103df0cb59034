#include "binding/options.h"

#include <optional>
#include <string>
#include <vector>

#include "binding/option_values.h"

namespace rmem {
namespace {

void ReadSource(const Napi::Object& source, PipelineOptions* options) {
  const std::string kind = Text(source, "kind");
  options->decoder.strict = Flag(source, "strict");
  options->decoder.skipDamaged = Flag(source, "skipDamaged");
  if (kind == "bytes") {
    options->source = SourceKind::kBytes;
    const auto format = FormatByName(Text(source, "format"));
    if (!format) Refuse(source.Env(), "source.format", "the name of a format");
    options->format = *format;
  } else if (kind == "raw") {
    options->source = SourceKind::kRaw;
    options->format = TraceFormat::kRmtRaw;
    options->rawPath = Text(source, "path");
  } else if (kind == "trace-utils") {
    options->source = SourceKind::kRaw;
    options->format = TraceFormat::kWorkload;
    options->rawPath = Text(source, "path");
  } else if (kind == "workload") {
    options->source = SourceKind::kWorkload;
    options->workloadProgram = Text(source, "program");
  } else {
    Refuse(source.Env(), "source.kind", "bytes, raw, trace-utils or workload");
  }
}

void ReadSiteKinds(const Napi::Object& kinds, SiteKinds* result) {
  const Napi::Object names = Part(kinds, "kinds");
  const Napi::Value sites = kinds.Get("ofSite");
  if (!names.IsArray()) Refuse(kinds.Env(), "siteKinds.kinds", "an array");
  const Napi::Array list = names.As<Napi::Array>();
  for (std::uint32_t at = 0; at < list.Length(); ++at) result->kinds.push_back(list.Get(at).ToString());
  if (!sites.IsTypedArray() || sites.As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array)
    Refuse(kinds.Env(), "siteKinds.ofSite", "a Uint16Array");
  const auto indexes = sites.As<Napi::Uint16Array>();
  for (std::size_t at = 0; at < indexes.ElementLength(); ++at) {
    if (indexes[at] != 0 && indexes[at] >= result->kinds.size())
      Refuse(kinds.Env(), "siteKinds.ofSite", "indexes of siteKinds.kinds");
    result->ofSite.push_back(indexes[at]);
  }
}

void ReadFilters(const Napi::Object& filters, FilterOptions* options) {
  options->fromNs = Whole(filters, "fromNs");
  options->toNs = Whole(filters, "toNs");
  options->minBytes = Whole(filters, "minBytes");
  options->maxBytes = Whole(filters, "maxBytes");
  options->head = Whole(filters, "head");
  options->anonymise = Flag(filters, "anonymise");
  options->noTimes = Flag(filters, "noTimes");
  options->unmarked = Flag(filters, "unmarked");
  if (Has(filters, "boundaries")) options->boundaries = Bytes(filters, "boundaries");
  if (Has(filters, "siteKinds")) ReadSiteKinds(Part(filters, "siteKinds"), &options->kinds);
  if (!Has(filters, "threads")) return;
  const Napi::Object threads = Part(filters, "threads");
  if (!threads.IsArray()) Refuse(filters.Env(), "filters.threads", "an array");
  const Napi::Array list = threads.As<Napi::Array>();
  for (std::uint32_t at = 0; at < list.Length(); ++at) {
    options->threads.push_back(ToWhole(list.Get(at), "filters.threads"));
  }
}

/** A level for each thread; null, where a thread has none, is -1. */
std::vector<int> Levels(const Napi::Object& sink) {
  const Napi::Object given = Part(sink, "levels");
  if (!given.IsArray()) Refuse(sink.Env(), "sink.levels", "an array");
  const Napi::Array list = given.As<Napi::Array>();
  std::vector<int> levels;
  for (std::uint32_t at = 0; at < list.Length(); ++at) {
    const Napi::Value value = list.Get(at);
    const std::uint64_t level = value.IsNull() ? 0 : ToWhole(value, "sink.levels");
    if (level >= kPhaseLevels) Refuse(sink.Env(), "sink.levels", "numbers of levels");
    levels.push_back(value.IsNull() ? -1 : static_cast<int>(level));
  }
  return levels;
}

void ReadSink(const Napi::Object& sink, PipelineOptions* options) {
  const std::string kind = Text(sink, "kind");
  if (kind == "count") {
    options->sink = SinkKind::kCount;
  } else if (kind == "inspect") {
    options->sink = SinkKind::kInspect;
    options->callSites = Flag(sink, "callSites");
  } else if (kind == "profile") {
    options->sink = SinkKind::kProfile;
  } else if (kind == "rmt") {
    options->sink = SinkKind::kRmt;
  } else if (kind == "csv") {
    options->sink = SinkKind::kCsv;
  } else if (kind == "plan") {
    options->sink = SinkKind::kPlan;
    options->plan.planPath = Text(sink, "planPath");
    options->plan.spoolDirectory = Text(sink, "spoolDirectory");
    options->plan.threads = static_cast<std::uint32_t>(Whole(sink, "threads").value_or(0));
    options->plan.withTimes = Flag(sink, "withTimes");
  } else if (kind == "find-transactions") {
    options->sink = SinkKind::kFindTransactions;
    if (Has(sink, "levels")) options->phaseLevels = Levels(sink);
  } else if (kind == "series") {
    options->sink = SinkKind::kSeries;
  } else {
    Refuse(sink.Env(), "sink.kind", "count, inspect, profile, rmt, csv, plan, find-transactions or series");
  }
}

}  // namespace

PipelineOptions ReadPipelineOptions(const Napi::Object& object) {
  PipelineOptions options;
  ReadSource(Part(object, "source"), &options);
  if (Has(object, "filters")) ReadFilters(Part(object, "filters"), &options.filters);
  ReadSink(Part(object, "sink"), &options);
  return options;
}

}  // namespace rmem

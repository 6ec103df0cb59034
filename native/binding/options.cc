#include "binding/options.h"

#include <cmath>
#include <optional>
#include <string>

namespace rmem {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

[[noreturn]] void Refuse(const Napi::Env& env, const std::string& name, const char* wanted) {
  throw Napi::TypeError::New(env, "native option " + name + " must be " + wanted);
}

bool Has(const Napi::Object& object, const char* name) {
  return !object.Get(name).IsUndefined();
}

std::uint64_t ToWhole(const Napi::Value& value, const char* name) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= kMaxSafeInteger && std::floor(number) == number) {
      return static_cast<std::uint64_t>(number);
    }
  }
  Refuse(value.Env(), name, "a whole number");
}

std::optional<std::uint64_t> Whole(const Napi::Object& object, const char* name) {
  if (!Has(object, name)) return std::nullopt;
  return ToWhole(object.Get(name), name);
}

bool Flag(const Napi::Object& object, const char* name) {
  if (!Has(object, name)) return false;
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) Refuse(object.Env(), name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string Text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) Refuse(object.Env(), name, "a text");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Object Part(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) Refuse(object.Env(), name, "an object");
  return value.As<Napi::Object>();
}

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
    options->rawPath = Text(source, "path");
  } else if (kind == "workload") {
    options->source = SourceKind::kWorkload;
    options->workloadProgram = Text(source, "program");
  } else {
    Refuse(source.Env(), "source.kind", "bytes, raw or workload");
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
  if (!Has(filters, "threads")) return;
  const Napi::Object threads = Part(filters, "threads");
  if (!threads.IsArray()) Refuse(filters.Env(), "filters.threads", "an array");
  const Napi::Array list = threads.As<Napi::Array>();
  for (std::uint32_t at = 0; at < list.Length(); ++at) {
    options->threads.push_back(ToWhole(list.Get(at), "filters.threads"));
  }
}

void ReadSink(const Napi::Object& sink, PipelineOptions* options) {
  const std::string kind = Text(sink, "kind");
  if (kind == "count") {
    options->sink = SinkKind::kCount;
  } else if (kind == "inspect") {
    options->sink = SinkKind::kInspect;
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
  } else {
    Refuse(sink.Env(), "sink.kind", "count, inspect, rmt, csv or plan");
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

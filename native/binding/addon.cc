#include <napi.h>

#include "binding/heap_config.h"
#include "binding/pressure_backtest.h"
#include "binding/pressure_cost.h"
#include "binding/pressure_forecaster.h"
#include "binding/trace_pipeline.h"
#include "trace/decoder.h"

namespace rmem {
namespace {

/** detectFormat(head: Uint8Array): string | null */
Napi::Value DetectFormatOf(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "detectFormat(head: Uint8Array)");
  const auto head = info[0].As<Napi::Uint8Array>();
  const auto format = DetectFormat({reinterpret_cast<const std::byte*>(head.Data()), head.ByteLength()});
  if (!format) return info.Env().Null();
  if (*format == TraceFormat::kRmtRaw) return Napi::String::New(info.Env(), "rmt-raw");
  return Napi::String::New(info.Env(), std::string(FormatName(*format)));
}

}  // namespace
}  // namespace rmem

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  exports.Set("TracePipeline", rmem::TracePipeline::Define(env));
  exports.Set("backtest", Napi::Function::New(env, rmem::BacktestOf, "backtest"));
  exports.Set("forecastCost", Napi::Function::New(env, rmem::ForecastCostOf, "forecastCost"));
  exports.Set("PressureForecaster", rmem::PressureForecaster::Define(env));
  exports.Set("detectFormat", Napi::Function::New(env, rmem::DetectFormatOf, "detectFormat"));
  exports.Set("heapConfig", Napi::Function::New(env, rmem::HeapConfigOf, "heapConfig"));
  return exports;
}

NODE_API_MODULE(rustydb_mem, InitializeAddon)

#include "binding/series_result.h"

#include <limits>

namespace rmem {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/** One column: what `value` makes of each point. */
template <class F>
Napi::Float64Array Column(Napi::Env env, const SeriesSink& series, F&& value) {
  Napi::Float64Array column = Napi::Float64Array::New(env, series.points().size());
  double* next = column.Data();
  for (const SeriesPoint& point : series.points()) *next++ = value(point);
  return column;
}

double OrNaN(std::uint64_t value) {
  return value == kAbsent ? kNotKnown : static_cast<double>(value);
}

}  // namespace

Napi::Object ToSeriesResult(Napi::Env env, const SeriesSink& series) {
  static_assert(kNoTime == kAbsent);
  const bool hasBlocks = series.hasBlocks();
  Napi::Object object = Napi::Object::New(env);
  object.Set("timeS", Column(env, series, [](const SeriesPoint& p) { return OrNaN(p.timeNs) / 1e9; }));
  object.Set("usedBytes", Column(env, series, [](const SeriesPoint& p) { return OrNaN(p.usedBytes); }));
  object.Set("totalBytes", Column(env, series, [](const SeriesPoint& p) {
               return p.totalBytes == 0 ? kNotKnown : OrNaN(p.totalBytes);
             }));
  object.Set("swapBytes", Column(env, series, [](const SeriesPoint& p) { return OrNaN(p.swapBytes); }));
  object.Set("psiPercent",
             Column(env, series, [](const SeriesPoint& p) { return OrNaN(p.psiMilliPercent) / 1000; }));
  object.Set("allocatedBytes", Column(env, series, [hasBlocks](const SeriesPoint& p) {
               return hasBlocks ? static_cast<double>(p.allocatedBytes) : kNotKnown;
             }));
  object.Set("freedBytes", Column(env, series, [hasBlocks](const SeriesPoint& p) {
               return hasBlocks ? static_cast<double>(p.freedBytes) : kNotKnown;
             }));
  return object;
}

}  // namespace rmem

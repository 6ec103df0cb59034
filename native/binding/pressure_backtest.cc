#include "binding/pressure_backtest.h"

#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "binding/option_values.h"
#include "binding/pressure_options.h"
#include "binding/result_values.h"
#include "pressure/backtest.h"
#include "pressure/closed_loop.h"

namespace rmem {
namespace {

constexpr const char* kAlarmKindNames[] = {"policy", "static80", "static90", "static95"};
constexpr const char* kEvictionPolicyNames[] = {"policy", "static80", "static90", "static95", "oracle"};

Napi::Value RealOrNull(const Napi::Env& env, double value) {
  if (std::isnan(value)) return env.Null();
  return Napi::Number::New(env, value);
}

/** The numbers of an array; null is kUnknown. */
std::vector<double> Numbers(const Napi::Object& object, const char* name) {
  std::vector<double> numbers;
  if (!Has(object, name)) return numbers;
  const Napi::Object given = Part(object, name);
  if (!given.IsArray()) Refuse(object.Env(), name, "an array");
  const Napi::Array list = given.As<Napi::Array>();
  for (std::uint32_t at = 0; at < list.Length(); ++at) {
    const Napi::Value value = list.Get(at);
    if (!value.IsNull() && !value.IsNumber()) Refuse(object.Env(), name, "numbers or null");
    numbers.push_back(value.IsNull() ? kUnknown : value.As<Napi::Number>().DoubleValue());
  }
  return numbers;
}

/** A Float64Array of `size` values, kept alive by its owner. */
std::span<const double> Column(const Napi::Object& columns, const char* name, std::size_t size) {
  const Napi::Value value = columns.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    Refuse(columns.Env(), name, "a Float64Array");
  const auto array = value.As<Napi::Float64Array>();
  if (array.ElementLength() != size) Refuse(columns.Env(), name, "as long as timeS");
  return {array.Data(), size};
}

SeriesView ReadColumns(const Napi::Object& columns) {
  const Napi::Value times = columns.Get("timeS");
  if (!times.IsTypedArray()) Refuse(columns.Env(), "timeS", "a Float64Array");
  const std::size_t size = times.As<Napi::TypedArray>().ElementLength();
  SeriesView view;
  view.timeS = Column(columns, "timeS", size);
  view.usedBytes = Column(columns, "usedBytes", size);
  view.totalBytes = Column(columns, "totalBytes", size);
  view.swapBytes = Column(columns, "swapBytes", size);
  view.psiPercent = Column(columns, "psiPercent", size);
  view.allocatedBytes = Column(columns, "allocatedBytes", size);
  view.freedBytes = Column(columns, "freedBytes", size);
  return view;
}

Napi::Array ReliabilityValue(const Napi::Env& env, const Reliability& reliability) {
  return List(env, reliability, [&env](const ReliabilityBin& bin) {
    Napi::Object value = Napi::Object::New(env);
    Set(value, "samples", bin.samples);
    value.Set("chance", bin.chance);
    Set(value, "cameTrue", bin.cameTrue);
    return value;
  });
}

Napi::Object HorizonValue(const Napi::Env& env, const HorizonScore& score, double horizonS) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("horizonS", horizonS);
  Set(value, "samples", score.samples);
  value.Set("error", score.error);
  value.Set("persistenceError", score.persistenceError);
  Set(value, "covered", score.covered);
  value.Set("width", score.width);
  value.Set("pinball", score.pinball);
  value.Set("persistencePinball", score.persistencePinball);
  value.Set("hindsightPinball", score.hindsightPinball);
  Set(value, "movingSamples", score.movingSamples);
  value.Set("movingError", score.movingError);
  value.Set("movingPersistenceError", score.movingPersistenceError);
  Set(value, "movingCovered", score.movingCovered);
  Napi::Float64Array blocks = Napi::Float64Array::New(env, score.blocks.size() * 2);
  for (std::size_t at = 0; at < score.blocks.size(); ++at) {
    blocks[2 * at] = score.blocks[at][0];
    blocks[2 * at + 1] = score.blocks[at][1];
  }
  value.Set("blocks", blocks);
  return value;
}

Napi::Object AlarmsValue(const Napi::Env& env, const AlarmScore& score) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("alarms", List(env, score.alarms, [&env](const Alarm& alarm) {
              Napi::Object each = Napi::Object::New(env);
              each.Set("beginS", alarm.beginS);
              each.Set("endS", alarm.endS);
              each.Set("usage", alarm.usage);
              each.Set("chance", alarm.chance);
              each.Set("ahead", alarm.ahead);
              each.Set("true", alarm.isTrue);
              return each;
            }));
  Set(value, "trueAlarms", score.trueAlarms);
  Set(value, "falseAlarms", score.falseAlarms);
  value.Set("caught", score.caught);
  value.Set("leadS", RealOrNull(env, score.leadS));
  return value;
}

Napi::Object LimitValue(const Napi::Env& env, const LimitScore& score) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("limitBytes", RealOrNull(env, score.limitBytes));
  value.Set("outS", RealOrNull(env, score.outS));
  value.Set("warnable", score.warnable);
  value.Set("benignS", score.benignS);
  value.Set("brier", score.brier);
  Set(value, "brierSamples", score.brierSamples);
  value.Set("reliability", ReliabilityValue(env, score.reliability));
  Napi::Object alarms = Napi::Object::New(env);
  for (std::size_t kind = 0; kind < kAlarmKinds; ++kind)
    alarms.Set(kAlarmKindNames[kind], AlarmsValue(env, score.alarms[kind]));
  value.Set("alarms", alarms);
  return value;
}

Napi::Object LoopValue(const Napi::Env& env, const ClosedLoopResult& result) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("limitBytes", RealOrNull(env, result.limitBytes));
  value.Set("evictable", result.evictable);
  value.Set("policy", kEvictionPolicyNames[static_cast<std::size_t>(result.policy)]);
  value.Set("outWithoutS", RealOrNull(env, result.outWithoutS));
  value.Set("outS", RealOrNull(env, result.outS));
  value.Set("evictedBytes", result.evictedBytes);
  value.Set("needlessBytes", result.needlessBytes);
  value.Set("refaultedBytes", result.refaultedBytes);
  return value;
}

/** One backtest: its columns, kept alive, its promise, and what came of it. Stops when the environment ends.
 */
class BacktestWorker : public Napi::AsyncWorker {
 public:
  BacktestWorker(const Napi::Object& columns, BacktestOptions options, std::optional<ClosedLoopOptions> loop)
      : Napi::AsyncWorker(columns.Env(), "rustydb-mem backtest"),
        columns_(Napi::Persistent(columns)),
        series_(ReadColumns(columns)),
        options_(std::move(options)),
        loop_(std::move(loop)),
        deferred_(Napi::Promise::Deferred::New(columns.Env())) {
    napi_add_env_cleanup_hook(columns.Env(), &BacktestWorker::StopAtExit, this);
  }

  ~BacktestWorker() override { napi_remove_env_cleanup_hook(Env(), &BacktestWorker::StopAtExit, this); }

  Napi::Promise Promise() const { return deferred_.Promise(); }
  std::shared_ptr<StopFlag> stop() const { return stop_; }

 protected:
  void Execute() override {
    try {
      score_ = Backtest(series_, options_, *stop_);
      if (loop_ && !*stop_) loops_ = ClosedLoop(series_, *loop_, *stop_);
      if (*stop_) SetError("stopped");
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }

  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object value = Napi::Object::New(env);
    Set(value, "samples", score_.samples);
    value.Set("spanS", score_.spanS);
    value.Set("typicalStepS", score_.typicalStepS);
    value.Set("highestBytes", score_.highestBytes);
    Set(value, "gaps", score_.gaps);
    Set(value, "changes", score_.changes);
    value.Set("meanMoveShare", score_.meanMoveShare);
    Napi::Array horizons = Napi::Array::New(env, kHorizons);
    for (std::uint32_t at = 0; at < kHorizons; ++at)
      horizons.Set(at, HorizonValue(env, score_.horizons[at], kHorizonS[at]));
    value.Set("horizons", horizons);
    value.Set("confidence", ReliabilityValue(env, score_.confidence));
    value.Set("limits",
              List(env, score_.limits, [&env](const LimitScore& each) { return LimitValue(env, each); }));
    value.Set("closedLoop",
              List(env, loops_, [&env](const ClosedLoopResult& each) { return LoopValue(env, each); }));
    deferred_.Resolve(value);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  static void StopAtExit(void* worker) { *static_cast<BacktestWorker*>(worker)->stop_ = true; }

  Napi::ObjectReference columns_;
  SeriesView series_;
  BacktestOptions options_;
  std::optional<ClosedLoopOptions> loop_;
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<StopFlag> stop_ = std::make_shared<StopFlag>(false);
  SeriesScore score_;
  std::vector<ClosedLoopResult> loops_;
};

}  // namespace

Napi::Value BacktestOf(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject() || !info[1].IsObject())
    throw Napi::TypeError::New(info.Env(), "backtest(series: SeriesColumns, options: BacktestOptions)");
  const Napi::Object given = info[1].As<Napi::Object>();
  const MonitorOptions pressure = ReadPressureOptions(given);
  const std::vector<double> limits = Numbers(given, "limits");
  std::optional<ClosedLoopOptions> loop;
  if (Has(given, "evictable"))
    loop = ClosedLoopOptions{pressure.model, pressure.policy, limits, Numbers(given, "evictable")};
  auto* worker = new BacktestWorker(info[0].As<Napi::Object>(), {pressure.model, pressure.policy, limits},
                                    std::move(loop));
  Napi::Promise promise = worker->Promise();
  promise.Set("stop", Napi::Function::New(
                          info.Env(), [stop = worker->stop()](const Napi::CallbackInfo&) { *stop = true; }));
  worker->Queue();  // deletes itself when done
  return promise;
}

}  // namespace rmem

#include "binding/trace_pipeline.h"

#include <exception>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "binding/options.h"
#include "binding/results.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

/** What went wrong on the worker's thread, carried to the thread of JavaScript. */
struct Failure {
  std::string code;
  std::string message;
  std::optional<std::uint64_t> byteOffset, line, event;

  Napi::Value ToError(Napi::Env env) const {
    Napi::Object error = Napi::Error::New(env, message).Value();
    error.Set("code", Napi::String::New(env, code));
    const auto set = [&](const char* name, const std::optional<std::uint64_t>& value) {
      if (value) error.Set(name, Napi::Number::New(env, static_cast<double>(*value)));
    };
    set("byteOffset", byteOffset);
    set("line", line);
    set("event", event);
    return error;
  }
};

/** Of the exception that is being handled. */
Failure CurrentFailure() {
  try {
    throw;
  } catch (const TraceError& error) {
    Failure failure{error.code(), error.what(), {}, {}, {}};
    if (error.hasByte()) failure.byteOffset = error.byte();
    if (error.line() != 0) failure.line = error.line();
    if (error.event() != 0) failure.event = error.event();
    return failure;
  } catch (const std::bad_alloc&) {
    return {"out-of-memory", "there is not enough memory for this trace", {}, {}, {}};
  } catch (const std::invalid_argument& error) {
    return {"bad-option", error.what(), {}, {}, {}};
  } catch (const std::exception& error) {
    return {"internal", error.what(), {}, {}, {}};
  }
}

}  // namespace

/** One call: its input, kept alive, its promise, and what came of it. */
class TracePipeline::Worker : public Napi::AsyncWorker {
 public:
  enum class Call { kPush, kStep, kFinish };

  Worker(TracePipeline& owner, Call call)
      : Napi::AsyncWorker(owner.Env(), "rustydb-mem pipeline"),
        owner_(owner),
        self_(Napi::Persistent(owner.Value())),
        deferred_(Napi::Promise::Deferred::New(owner.Env())),
        pipeline_(owner.pipeline_),
        call_(call) {}

  void Input(const Napi::Uint8Array& bytes) {
    input_ = Napi::Persistent(bytes.As<Napi::Object>());
    bytes_ = {reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ByteLength()};
  }

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Refuse(const char* code, const char* message) {
    deferred_.Reject(Failure{code, message, {}, {}, {}}.ToError(Env()));
  }

 protected:
  void Execute() override {
    try {
      switch (call_) {
        case Call::kPush:
          pipeline_->Push(bytes_);
          break;
        case Call::kStep:
          more_ = pipeline_->Step();
          break;
        case Call::kFinish:
          pipeline_->Finish();
          break;
      }
      output_ = pipeline_->TakeOutput();
      satisfied_ = pipeline_->Satisfied();
    } catch (...) {
      failure_ = CurrentFailure();
    }
  }

  void OnOK() override {
    Napi::Env env = Env();
    owner_.busy_ = false;
    if (failure_) {
      owner_.pipeline_.reset();
      deferred_.Reject(failure_->ToError(env));
      return;
    }
    if (call_ != Call::kFinish) {
      Napi::Object result = Napi::Object::New(env);
      result.Set("output", Output(env));
      result.Set("more", Napi::Boolean::New(env, more_));
      result.Set("satisfied", Napi::Boolean::New(env, satisfied_));
      deferred_.Resolve(result);
      return;
    }
    Napi::Object result = ToResult(env, *pipeline_);
    result.Set("output", Output(env));
    owner_.sourceEvents_ = pipeline_->sourceEvents();
    owner_.pipeline_.reset();
    pipeline_.reset();
    deferred_.Resolve(result);
  }

 private:
  Napi::Value Output(Napi::Env env) {
    if (output_.empty()) return env.Null();
    auto* bytes = new std::vector<std::byte>(std::move(output_));
    return Napi::Buffer<std::byte>::NewOrCopy(
        env, bytes->data(), bytes->size(),
        [](Napi::Env, std::byte*, std::vector<std::byte>* owned) { delete owned; }, bytes);
  }

  TracePipeline& owner_;
  Napi::ObjectReference self_;   // keeps the owner alive
  Napi::ObjectReference input_;  // keeps the bytes alive
  std::span<const std::byte> bytes_;
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Pipeline> pipeline_;
  Call call_;
  std::vector<std::byte> output_;
  bool more_ = true;
  bool satisfied_ = false;
  std::optional<Failure> failure_;
};

Napi::Function TracePipeline::Define(Napi::Env env) {
  return DefineClass(env, "TracePipeline",
                     {
                         InstanceMethod<&TracePipeline::Push>("push"),
                         InstanceMethod<&TracePipeline::Step>("step"),
                         InstanceMethod<&TracePipeline::Finish>("finish"),
                         InstanceMethod<&TracePipeline::Abort>("abort"),
                         InstanceAccessor<&TracePipeline::SourceEvents>("sourceEvents"),
                     });
}

TracePipeline::TracePipeline(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TracePipeline>(info) {
  if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "new TracePipeline(options)");
  const PipelineOptions options = ReadPipelineOptions(info[0].As<Napi::Object>());
  try {
    pipeline_ = std::make_shared<Pipeline>(options);
  } catch (...) {
    throw Napi::Error(info.Env(), CurrentFailure().ToError(info.Env()));
  }
  napi_add_env_cleanup_hook(info.Env(), &TracePipeline::StopAtExit, this);
}

TracePipeline::~TracePipeline() {
  napi_remove_env_cleanup_hook(Env(), &TracePipeline::StopAtExit, this);
}

void TracePipeline::StopAtExit(void* pipeline) {
  auto* self = static_cast<TracePipeline*>(pipeline);
  if (self->pipeline_ != nullptr) self->pipeline_->Stop();
}

Napi::Value TracePipeline::Start(std::unique_ptr<Worker> worker) {
  const Napi::Promise promise = worker->Promise();
  if (busy_) {
    worker->Refuse("busy", "a call of this pipeline is still at work");
  } else if (pipeline_ == nullptr) {
    worker->Refuse("over", "this pipeline has finished, failed or been aborted");
  } else {
    busy_ = true;
    worker.release()->Queue();  // deletes itself when done
  }
  return promise;
}

Napi::Value TracePipeline::Push(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "push(bytes: Uint8Array)");
  auto worker = std::make_unique<Worker>(*this, Worker::Call::kPush);
  worker->Input(info[0].As<Napi::Uint8Array>());
  return Start(std::move(worker));
}

Napi::Value TracePipeline::Step(const Napi::CallbackInfo&) {
  return Start(std::make_unique<Worker>(*this, Worker::Call::kStep));
}

Napi::Value TracePipeline::Finish(const Napi::CallbackInfo&) {
  return Start(std::make_unique<Worker>(*this, Worker::Call::kFinish));
}

Napi::Value TracePipeline::Abort(const Napi::CallbackInfo& info) {
  if (pipeline_ != nullptr) {
    pipeline_->Stop();
    // A call under way holds its own reference and fails with `stopped`; what it held goes with it.
    if (!busy_) pipeline_.reset();
  }
  return info.Env().Undefined();
}

Napi::Value TracePipeline::SourceEvents(const Napi::CallbackInfo& info) {
  const std::uint64_t events = pipeline_ == nullptr ? sourceEvents_ : pipeline_->sourceEvents();
  return Napi::Number::New(info.Env(), static_cast<double>(events));
}

}  // namespace rmem

#pragma once

#include <napi.h>

#include <memory>

#include "binding/pipeline.h"

namespace rmem {

/**
 * A Pipeline for JavaScript: its work is done on a thread of libuv's pool, one call at a time, and errors
 * arrive as rejected promises of an Error with `code` and, where they apply, `byteOffset`, `line` and
 * `event`. See src/native.ts for the contract of each method.
 */
class TracePipeline : public Napi::ObjectWrap<TracePipeline> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit TracePipeline(const Napi::CallbackInfo& info);
  ~TracePipeline() override;

 private:
  class Worker;
  friend class Worker;

  Napi::Value Push(const Napi::CallbackInfo& info);
  Napi::Value Step(const Napi::CallbackInfo& info);
  Napi::Value Finish(const Napi::CallbackInfo& info);
  Napi::Value Abort(const Napi::CallbackInfo& info);
  Napi::Value SourceEvents(const Napi::CallbackInfo& info);

  /** Starts the worker, or rejects at once where another is at work or the pipeline is over. */
  Napi::Value Start(std::unique_ptr<Worker> worker);

  /** A clean-up hook of the environment: what is still at work must not keep the process from ending. */
  static void StopAtExit(void* pipeline);

  std::shared_ptr<Pipeline> pipeline_;  // shared with the worker; null when it is over
  bool busy_ = false;
  std::uint64_t sourceEvents_ = 0;  // of a pipeline that is over
};

}  // namespace rmem

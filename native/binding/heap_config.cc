#include "binding/heap_config.h"

#include <memory>
#include <string>
#include <string_view>

#include "alloc/config_file.h"
#include "alloc/config_show.h"
#include "os/file_text.h"

namespace rmem {
namespace {

template <std::size_t N>
Napi::String FixedTextValue(const Napi::Env& env, const FixedText<N>& text) {
  return Napi::String::New(env, std::string(text.view()));
}

Napi::Value MistakeValue(const Napi::Env& env, const TextMistake& mistake) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("line", mistake.line);
  value.Set("column", mistake.column);
  value.Set("key", FixedTextValue(env, mistake.key));
  value.Set("message", FixedTextValue(env, mistake.what));
  value.Set("remedy", FixedTextValue(env, mistake.remedy));
  Napi::Object result = Napi::Object::New(env);
  result.Set("mistake", value);
  return result;
}

}  // namespace

Napi::Value HeapConfigOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string_view text;
  if (info[0].IsTypedArray()) {
    const auto bytes = info[0].As<Napi::Uint8Array>();
    text = {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
  } else if (!info[0].IsNull()) {
    throw Napi::TypeError::New(env, "heapConfig(text: Uint8Array | null)");
  }
  HeapConfig config;
  SizeClassTable classes;
  TextMistake mistake;
  if (text.size() > FileText::kMaxBytes) {
    mistake.what.Set("the file ", FileText::kTooLarge);
    return MistakeValue(env, mistake);
  }
  if (!ParseHeapConfig(text, &config, &classes, &mistake)) return MistakeValue(env, mistake);
  const auto shown = std::make_unique<ConfigText>();
  ShowHeapConfig(config, shown.get());
  Napi::Object result = Napi::Object::New(env);
  result.Set("shown", FixedTextValue(env, *shown));
  return result;
}

}  // namespace rmem

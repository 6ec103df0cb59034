#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rmem {

/** Options that come from JavaScript. What is of another type than it must be throws a TypeError that names
 * it. */

[[noreturn]] inline void Refuse(const Napi::Env& env, const std::string& name, const char* wanted) {
  throw Napi::TypeError::New(env, "native option " + name + " must be " + wanted);
}

inline bool Has(const Napi::Object& object, const char* name) {
  return !object.Get(name).IsUndefined();
}

inline std::uint64_t ToWhole(const Napi::Value& value, const char* name) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= 9007199254740991.0 && std::floor(number) == number) {
      return static_cast<std::uint64_t>(number);
    }
  }
  Refuse(value.Env(), name, "a whole number");
}

inline std::optional<std::uint64_t> Whole(const Napi::Object& object, const char* name) {
  if (!Has(object, name)) return std::nullopt;
  return ToWhole(object.Get(name), name);
}

inline bool Flag(const Napi::Object& object, const char* name) {
  if (!Has(object, name)) return false;
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) Refuse(object.Env(), name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

inline std::string Text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) Refuse(object.Env(), name, "a text");
  return value.As<Napi::String>().Utf8Value();
}

inline std::vector<std::byte> Bytes(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsTypedArray()) Refuse(object.Env(), name, "a Uint8Array");
  const auto bytes = value.As<Napi::Uint8Array>();
  const auto* first = reinterpret_cast<const std::byte*>(bytes.Data());
  return {first, first + bytes.ByteLength()};
}

inline Napi::Object Part(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) Refuse(object.Env(), name, "an object");
  return value.As<Napi::Object>();
}

/** `fallback` where it is left out. */
inline double Real(const Napi::Object& object, const char* name, double fallback) {
  if (!Has(object, name)) return fallback;
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) Refuse(object.Env(), name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

}  // namespace rmem

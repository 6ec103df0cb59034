#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace rmem {

/**
 * Zeroed memory of the replay itself. It is a shared mapping, populated at once, so that it never appears in
 * the anonymous memory that is reported as the allocator's, and costs no fault in a round. Throws TraceError
 * `no-memory`; `what` names it there.
 */
void* MapShared(std::size_t bytes, const char* what);
void UnmapShared(void* start, std::size_t bytes) noexcept;

/** A fixed array in such memory. T must be valid when all its bytes are zero. */
template <class T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  SharedArray() = default;
  SharedArray(std::size_t size, const char* what)
      : data_(size == 0 ? nullptr : static_cast<T*>(MapShared(size * sizeof(T), what))), size_(size) {}
  ~SharedArray() {
    if (data_ != nullptr) UnmapShared(data_, size_ * sizeof(T));
  }
  SharedArray(SharedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SharedArray& operator=(SharedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T& operator[](std::size_t index) { return data_[index]; }
  const T& operator[](std::size_t index) const { return data_[index]; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rmem

#pragma once

#include <limits.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "alloc/metadata_pool.h"
#include "os/lock.h"

namespace rmem {

/** The links that a State of ThreadStates begins with. */
template <class State>
struct ThreadStateLinks {
  void* owner;
  State* next;
  State* previous;
  std::size_t bytes;
};

/**
 * What an allocator keeps per thread: made when a thread first needs it, flushed and freed when the thread
 * exits, all of them in a list. Finding the own one fast is the allocator's affair (a thread-local pointer
 * beside the allocator's id).
 *
 * A thread that exits after Destroy does nothing: the key is gone.
 */
template <class State, class Owner>
class ThreadStates {
  static_assert(std::is_trivially_destructible_v<State>);

 public:
  bool Init(Owner* owner, MetadataPool* pool) noexcept {
    owner_ = owner;
    pool_ = pool;
    hasKey_ = pthread_key_create(&key_, &OnThreadExit) == 0;
    return hasKey_;
  }

  void Destroy() noexcept {
    if (hasKey_) pthread_key_delete(key_);
    hasKey_ = false;
  }

  /** The state that the calling thread has; null where it has none. */
  State* Find() noexcept { return static_cast<State*>(pthread_getspecific(key_)); }
  /** How many threads have one. */
  std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  /** The state of the calling thread, of `bytes` bytes, all zero when new, which is then told; null when
   * there is no memory, or the thread is about to end. */
  State* Get(std::size_t bytes, bool* isNew = nullptr) noexcept {
    if (State* state = Find()) return state;
    // A thread on its way out, whose last destructors would leave a new state behind.
    if (retirements_ + 1 >= PTHREAD_DESTRUCTOR_ITERATIONS) return nullptr;
    void* memory = pool_->Allocate(bytes);
    if (memory == nullptr) return nullptr;
    std::memset(memory, 0, bytes);
    State* state = new (memory) State{};  // as zero as the rest
    if (pthread_setspecific(key_, state) != 0) {
      pool_->Free(memory, bytes);
      return nullptr;
    }
    state->links.owner = owner_;
    state->links.bytes = bytes;
    const LockGuard guard(lock_);
    state->links.next = first_;
    if (first_ != nullptr) first_->links.previous = state;
    first_ = state;
    count_.fetch_add(1, std::memory_order_relaxed);
    if (isNew != nullptr) *isNew = true;
    return state;
  }

  void LockAll() noexcept { lock_.Acquire(); }
  void UnlockAll() noexcept { lock_.Release(); }

  /** Calls visit(State&) for every thread's state. New and exiting threads wait meanwhile. */
  template <class Visit>
  void ForEach(Visit visit) noexcept {
    const LockGuard guard(lock_);
    for (State* state = first_; state != nullptr; state = state->links.next) visit(*state);
  }

 private:
  static void OnThreadExit(void* argument) {
    State* state = static_cast<State*>(argument);
    Owner* owner = static_cast<Owner*>(state->links.owner);
    owner->states_.Retire(state);
  }

  void Retire(State* state) noexcept {
    ++retirements_;
    {
      const LockGuard guard(lock_);
      if (state->links.previous != nullptr) state->links.previous->links.next = state->links.next;
      if (state->links.next != nullptr) state->links.next->links.previous = state->links.previous;
      if (first_ == state) first_ = state->links.next;
      count_.fetch_sub(1, std::memory_order_relaxed);
    }
    owner_->Flush(*state);
    owner_->Forget();
    pool_->Free(state, state->links.bytes);
  }

  /** Of states of the calling thread. */
  static inline constinit thread_local int retirements_ = 0;

  Owner* owner_ = nullptr;
  MetadataPool* pool_ = nullptr;
  pthread_key_t key_ = 0;
  bool hasKey_ = false;
  Lock lock_;
  State* first_ = nullptr;
  std::atomic<std::uint32_t> count_{0};
};

}  // namespace rmem

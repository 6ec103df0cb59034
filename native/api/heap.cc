#include <cerrno>
#include <cstdint>
#include <cstring>

#include "api/api_heap.h"
#include "base/bits.h"
#include "os/pages.h"

namespace rmem {
namespace {

constexpr std::size_t kApiHeapBytes = AlignUp(sizeof(rustydb_mem_heap), kPageBytes);

void Say(std::string_view line, char* error, std::size_t errorBytes) noexcept {
  if (error == nullptr || errorBytes == 0) return;
  const std::size_t taken = line.size() < errorBytes ? line.size() : errorBytes - 1;
  std::memcpy(error, line.data(), taken);
  error[taken] = '\0';
}

/** `configure` fills in configuration and table, or the mistake. */
template <class Configure>
rustydb_mem_heap* Make(const char* name, Configure configure, char* error, std::size_t errorBytes) noexcept {
  Say("", error, errorBytes);
  void* memory = ReservePages(kApiHeapBytes);
  if (memory != nullptr && !CommitPages(memory, kApiHeapBytes)) {
    ReleasePages(memory, kApiHeapBytes);
    memory = nullptr;
  }
  if (memory != nullptr) {
    auto* made = new (memory) rustydb_mem_heap;
    HeapConfig config;
    TextMistake mistake;
    if (!configure(&config, &made->classes, &mistake)) {
      ReleasePages(memory, kApiHeapBytes);
      MistakeLine line;
      DescribeMistake(name, mistake, &line);
      Say(line.view(), error, errorBytes);
      errno = EINVAL;
      return nullptr;
    }
    if (Heap<Preset::kRustydb>::CreateAt(&made->heap, config)) return made;
    ReleasePages(memory, kApiHeapBytes);
  }
  Say("the system grants no address space for a heap. Raise the limit (ulimit -v).", error, errorBytes);
  errno = ENOMEM;
  return nullptr;
}

}  // namespace
}  // namespace rmem

using rmem::Answer;
using rmem::IsPossible;

std::uint32_t rustydb_mem_version(void) {
  return RUSTYDB_MEM_VERSION;
}

rustydb_mem_heap* rustydb_mem_heap_create(const char* config_path, char* error, std::size_t error_bytes) {
  const auto configure = [&](rmem::HeapConfig* config, rmem::SizeClassTable* classes,
                             rmem::TextMistake* mistake) {
    if (config_path == nullptr) return true;
    return rmem::ReadHeapConfigFile(config_path, config, classes, mistake);
  };
  return rmem::Make(config_path, configure, error, error_bytes);
}

rustydb_mem_heap* rustydb_mem_heap_create_from_text(const char* text, std::size_t bytes, char* error,
                                                    std::size_t error_bytes) {
  const auto configure = [&](rmem::HeapConfig* config, rmem::SizeClassTable* classes,
                             rmem::TextMistake* mistake) {
    return rmem::ParseHeapConfig({text, bytes}, config, classes, mistake);
  };
  return rmem::Make("configuration", configure, error, error_bytes);
}

void rustydb_mem_heap_destroy(rustydb_mem_heap* heap) {
  if (heap == nullptr) return;
  rmem::Heap<rmem::Preset::kRustydb>::DestroyAt(&heap->heap);
  rmem::ReleasePages(heap, rmem::kApiHeapBytes);
}

void* rustydb_mem_allocate(rustydb_mem_heap* heap, std::size_t size, std::size_t alignment) {
  if (!IsPossible(size, alignment)) [[unlikely]]
    return nullptr;
  return Answer(heap->heap.Allocate(size, alignment));
}

void* rustydb_mem_allocate_zeroed(rustydb_mem_heap* heap, std::size_t size, std::size_t alignment) {
  if (!IsPossible(size, alignment)) [[unlikely]]
    return nullptr;
  return Answer(heap->heap.Allocate(size, alignment, true));
}

void rustydb_mem_free(rustydb_mem_heap* heap, void* block, std::size_t size, std::size_t alignment) {
  if (block != nullptr) heap->heap.Free(block, size, alignment);
}

void rustydb_mem_free_unsized(rustydb_mem_heap* heap, void* block) {
  if (block != nullptr) heap->heap.FreeUntold(block);
}

void* rustydb_mem_reallocate(rustydb_mem_heap* heap, void* block, std::size_t old_size, std::size_t new_size,
                             std::size_t alignment) {
  if (block == nullptr) return rustydb_mem_allocate(heap, new_size, alignment);
  if (!IsPossible(new_size, alignment)) return nullptr;
  return Answer(heap->heap.Reallocate(block, old_size, new_size, alignment));
}

std::size_t rustydb_mem_usable_size(rustydb_mem_heap* heap, const void* block) {
  return block == nullptr ? 0 : heap->heap.UsableBytes(block);
}

std::uint64_t rustydb_mem_heap_purge(rustydb_mem_heap* heap) {
  return heap->heap.Purge();
}

std::uint64_t rustydb_mem_heap_compact(rustydb_mem_heap* heap) {
  return heap->heap.Compact();
}

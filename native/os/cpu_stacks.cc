#include "os/cpu_stacks.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

// A thread sanitizer sees no hand-over in a sequence, and would report what two threads do with a block.
#if __has_include(<sys/rseq.h>) && __has_include(<linux/membarrier.h>) && defined(__x86_64__) && \
    !defined(__SANITIZE_THREAD__)
#include <linux/membarrier.h>
#include <sys/rseq.h>
#define RMEM_HAS_RSEQ 1
#else
#define RMEM_HAS_RSEQ 0
#endif

#include <atomic>

namespace rmem {

#if RMEM_HAS_RSEQ

namespace {

struct rseq* Area() noexcept {
  return reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
}

}  // namespace

bool HasCpuStacks() noexcept {
  return __rseq_size != 0 && static_cast<std::int32_t>(Area()->cpu_id) >= 0;
}

unsigned CurrentCpu() noexcept {
  const std::uint32_t cpu =
      std::atomic_ref<std::uint32_t>(Area()->cpu_id_start).load(std::memory_order_relaxed);
  return cpu < kMaxCpus ? cpu : kMaxCpus;
}

/*
 * Both sequences: 3 describes the part from 1 to 2 to the kernel, which goes to 4 when the thread was
 * interrupted in it, from where it begins again at 0. The last instruction before 2 is the one that makes the
 * change. Four bytes that the kernel wants to see stand before 4. A CPU whose number is too large finds 5.
 */
#define RMEM_RSEQ_BEGIN                           \
  ".pushsection __rseq_cs, \"aw\", @progbits\n\t" \
  ".balign 32\n"                                  \
  "3:\n\t"                                        \
  ".long 0, 0\n\t"                                \
  ".quad 1f, 2f - 1f, 4f\n\t"                     \
  ".popsection\n"                                 \
  "0:\n\t"                                        \
  "leaq 3b(%%rip), %[stack]\n\t"                  \
  "movq %[stack], %[sequence]\n"                  \
  "1:\n\t"                                        \
  "xorl %k[result], %k[result]\n\t"               \
  "movl %[cpu], %k[stack]\n\t"                    \
  "cmpl %[maxCpus], %k[stack]\n\t"                \
  "jae 5f\n\t"                                    \
  "movq (%[stacks], %[stack], 8), %[stack]\n\t"   \
  "addq %[offset], %[stack]\n\t"                  \
  "movq (%[stack]), %[top]\n\t"

#define RMEM_RSEQ_END                                  \
  "2:\n"                                               \
  "5:\n\t"                                             \
  ".pushsection __rseq_failure, \"ax\", @progbits\n\t" \
  ".byte 0x0f, 0xb9, 0x3d\n\t"                         \
  ".long 0x53053053\n"                                 \
  "4:\n\t"                                             \
  "jmp 0b\n\t"                                         \
  ".popsection\n\t"

void* PopOnCpu(PointerStack* const* stacks, unsigned index) noexcept {
  struct rseq* const area = Area();
  const std::size_t offset = index * sizeof(PointerStack);
  void* popped;
  void* stack;
  void** top;
  asm volatile(
      RMEM_RSEQ_BEGIN
      "movq -8(%[top]), %[result]\n\t"
      "testq %[result], %[result]\n\t"
      "jz 5f\n\t"
      "subq $8, %[top]\n\t"
      "movq %[top], (%[stack])\n" RMEM_RSEQ_END
      : [result] "=&r"(popped), [stack] "=&r"(stack), [top] "=&r"(top), [sequence] "=m"(area->rseq_cs)
      : [cpu] "m"(area->cpu_id), [stacks] "r"(stacks), [offset] "r"(offset), [maxCpus] "i"(kMaxCpus)
      : "memory", "cc");
  return popped;
}

bool PushOnCpu(PointerStack* const* stacks, unsigned index, void* pointer) noexcept {
  struct rseq* const area = Area();
  const std::size_t offset = index * sizeof(PointerStack);
  std::uint64_t pushed;
  void* stack;
  void** top;
  asm volatile(
      RMEM_RSEQ_BEGIN
      "cmpq 8(%[stack]), %[top]\n\t"
      "je 5f\n\t"
      "movq %[pointer], (%[top])\n\t"
      "addq $8, %[top]\n\t"
      "incl %k[result]\n\t"
      "movq %[top], (%[stack])\n" RMEM_RSEQ_END
      : [result] "=&r"(pushed), [stack] "=&r"(stack), [top] "=&r"(top), [sequence] "=m"(area->rseq_cs)
      : [cpu] "m"(area->cpu_id), [stacks] "r"(stacks), [offset] "r"(offset), [maxCpus] "i"(kMaxCpus),
        [pointer] "r"(pointer)
      : "memory", "cc");
  return pushed != 0;
}

bool WaitForCpuSequences() noexcept {
  // Registers the process the first time, and after that does nothing.
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0 &&
         syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0;
}

#else

bool HasCpuStacks() noexcept {
  return false;
}
unsigned CurrentCpu() noexcept {
  return kMaxCpus;
}
void* PopOnCpu(PointerStack* const*, unsigned) noexcept {
  return nullptr;
}
bool PushOnCpu(PointerStack* const*, unsigned, void*) noexcept {
  return false;
}
bool WaitForCpuSequences() noexcept {
  return false;
}

#endif

unsigned UsableCpus() noexcept {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  // A system with more CPUs than the set holds refuses.
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&cpus));
}

}  // namespace rmem

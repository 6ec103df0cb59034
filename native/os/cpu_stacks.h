#pragma once

#include <cstddef>
#include <cstdint>

#include "os/topology.h"

namespace rmem {

/** A stack of pointers that grows upwards, with a null below the lowest, and its limits. */
struct PointerStack {
  void** top;  // where the next pointer goes
  void** end;  // `top` of a full one
};

/**
 * Stacks of pointers that belong to CPUs rather than to threads: a push or a pop is a restartable sequence
 * (rseq(2)), which the kernel begins again when the thread loses its CPU in the middle of it. No lock, no
 * atomic instruction. Needs the registration that glibc makes from 2.35 on, and x86-64; elsewhere, and under
 * tools that keep threads from registering, HasCpuStacks is false.
 *
 * `stacks[cpu]` points to the stacks of a CPU, of which `index` is one. The stack of a CPU without any is one
 * that is always empty and always full. There are kMaxCpus of them.
 */
bool HasCpuStacks() noexcept;

/** Null where the stack of this CPU is empty. */
void* PopOnCpu(PointerStack* const* stacks, unsigned index) noexcept;

/** False where it is full. */
bool PushOnCpu(PointerStack* const* stacks, unsigned index, void* pointer) noexcept;

/** The CPU that the calling thread was on a moment ago; kMaxCpus where its number is not served. */
unsigned CurrentCpu() noexcept;

/** How many CPUs the process may run on; 1 where that is not told. Calls the system. */
unsigned UsableCpus() noexcept;

/** Returns when no thread of the process is in the middle of a sequence that began before. False where the
 * system has no such barrier (membarrier(2), from Linux 5.10). */
bool WaitForCpuSequences() noexcept;

}  // namespace rmem

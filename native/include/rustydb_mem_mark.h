#ifndef RUSTYDB_MEM_MARK_H
#define RUSTYDB_MEM_MARK_H

/*
 * Marks the transactions of an engine in a recording of rustydb-mem, so that the trace knows for which
 * transaction a block was allocated. C89 and newer, C++; nothing to link. The functions are weak: without the
 * recorder in the process a call is one test of a pointer, and its arguments are not evaluated.
 *
 *   rustydb_mem_mark_begin(id, 0, "new-order");        // the calling thread works for it from now on
 *   rustydb_mem_mark_savepoint(sp, id, "line-item");   // inside of it; what follows is the savepoint's
 *   rustydb_mem_mark_release(sp);                      // ends it; what is still alive passes to the parent
 *   rustydb_mem_mark_commit(id);                       // or rustydb_mem_mark_abort(id)
 *
 * A handle is any non-zero number below 2^62 that no other open transaction has: a counter, or the address of
 * the engine's own object. The end of a transaction ends what is open inside it. A begin, and the end of what
 * the thread works for, move the thread; a worker that takes up a transaction which another thread began
 * calls rustydb_mem_mark_scope(id), and rustydb_mem_mark_scope(0) when it puts it down. ROLLBACK TO is an
 * abort of the savepoint and a new one. A type is a short stable name without values (127 bytes are kept): it
 * is what reports group by. A phase is a mark in the timeline; "start" and "stop" bound what is measured.
 *
 * Rust: stable Rust has no weak symbols; ask once and keep the answer, a null where there is no recorder:
 *
 *   type Begin = unsafe extern "C" fn(u64, u64, *const c_char);
 *   static BEGIN: LazyLock<Option<Begin>> = LazyLock::new(|| unsafe {
 *       let f = libc::dlsym(libc::RTLD_DEFAULT, c"rustydb_mem_mark_begin".as_ptr());
 *       (!f.is_null()).then(|| std::mem::transmute::<*mut c_void, Begin>(f))
 *   });
 *   if let Some(begin) = *BEGIN { unsafe { begin(id, 0, c"new-order".as_ptr()) } }
 *
 * In a program that is built position dependent (-fno-pie) the files that mark need -fPIC or -fPIE; otherwise
 * the linker decides that there is no recorder.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUSTYDB_MEM_WEAK __attribute__((weak))

RUSTYDB_MEM_WEAK void rustydb_mem_mark_begin(uint64_t handle, uint64_t parent, const char* type);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_savepoint(uint64_t handle, uint64_t parent, const char* type);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_commit(uint64_t handle);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_release(uint64_t handle);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_abort(uint64_t handle);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_scope(uint64_t handle);
RUSTYDB_MEM_WEAK void rustydb_mem_mark_phase(const char* text);

#ifdef __cplusplus
}
#endif

/* The test that makes a call free. A macro is not expanded inside itself: the inner name is the function. */
#define RUSTYDB_MEM_IF_RECORDED(function, arguments) ((function) ? (function)arguments : (void)0)
#define rustydb_mem_mark_begin(handle, parent, type) \
  RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_begin, (handle, parent, type))
#define rustydb_mem_mark_savepoint(handle, parent, type) \
  RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_savepoint, (handle, parent, type))
#define rustydb_mem_mark_commit(handle) RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_commit, (handle))
#define rustydb_mem_mark_release(handle) RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_release, (handle))
#define rustydb_mem_mark_abort(handle) RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_abort, (handle))
#define rustydb_mem_mark_scope(handle) RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_scope, (handle))
#define rustydb_mem_mark_phase(text) RUSTYDB_MEM_IF_RECORDED(rustydb_mem_mark_phase, (text))

#endif

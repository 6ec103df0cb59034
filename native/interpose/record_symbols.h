#pragma once

namespace rmem::record {

/**
 * Records the functions PREFIXmalloc, PREFIXcalloc, PREFIXrealloc, PREFIXfree, PREFIXposix_memalign,
 * PREFIXaligned_alloc and PREFIXmemalign too, where RUSTYDB_MEM_SYMBOLS names a prefix and a shared library
 * has them: every loaded module that calls them by way of its global offset table is made to call the
 * recorder. What is loaded later, and calls inside of the library that has them, are not seen: a dlopen of
 * ours would be the caller of the C library's, which looks for files (DT_RUNPATH, $ORIGIN) as its caller
 * says. To be called once, when the program's libraries are loaded.
 */
void RecordPrefixedSymbols();

}  // namespace rmem::record

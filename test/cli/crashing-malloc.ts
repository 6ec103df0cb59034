import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Scratch } from "./tool.js";

/** A library to preload whose malloc aborts the process in its twenty thousandth call, or soon after. */
export function crashingMalloc(scratch: Scratch): string {
  const [source, library] = [scratch.file("crash.c"), scratch.file("libcrash.so")];
  writeFileSync(
    source,
    `#include <stdlib.h>
void *__libc_malloc(size_t);
static int calls;
void *malloc(size_t size) {
  if (++calls > 20000) abort();
  return __libc_malloc(size);
}
`,
  );
  execFileSync("cc", ["-O1", "-fPIC", "-shared", "-o", library, source]);
  return library;
}

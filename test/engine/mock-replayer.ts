import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";

const mock = fileURLToPath(new URL("../fixtures/mock-replay.mjs", import.meta.url));

/** Puts test/fixtures/mock-replay.mjs in the place of the replay executable for the tests of a file. */
export function mockReplayExecutable(): { readonly folder: string } {
  const place = { folder: "" };
  const before = process.env.RUSTYDB_MEM_REPLAY;
  beforeAll(() => {
    place.folder = mkdtempSync(join(tmpdir(), "mock-replay-"));
    const script = join(place.folder, "replay");
    writeFileSync(script, `#!/bin/sh\nexec "${process.execPath}" "${mock}" "$@"\n`);
    chmodSync(script, 0o755);
    process.env.RUSTYDB_MEM_REPLAY = script;
  });
  afterAll(() => {
    rmSync(place.folder, { recursive: true });
    if (before === undefined) delete process.env.RUSTYDB_MEM_REPLAY;
    else process.env.RUSTYDB_MEM_REPLAY = before;
  });
  return place;
}

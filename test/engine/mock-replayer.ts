import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";

const mock = fileURLToPath(new URL("../fixtures/mock-replay.mjs", import.meta.url));

/**
 * Puts test/fixtures/mock-replay.mjs in the place of the replay executable for the tests of a file.
 *
 * @param environment what it is told whatever the allocator
 */
export function mockReplayExecutable(environment: Readonly<Record<string, string>> = {}): {
  readonly folder: string;
} {
  const place = { folder: "" };
  const before = process.env.RUSTYDB_MEM_REPLAY;
  beforeAll(() => {
    place.folder = mkdtempSync(join(tmpdir(), "mock-replay-"));
    const script = join(place.folder, "replay");
    const told = Object.entries(environment).map(([name, value]) => `export ${name}="${value}"\n`);
    writeFileSync(script, `#!/bin/sh\n${told.join("")}exec "${process.execPath}" "${mock}" "$@"\n`);
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

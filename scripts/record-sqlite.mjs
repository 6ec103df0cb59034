/**
 * Records workloads/recorded/sqlite-tpcc.rmt.gz again: loads a TPC-C-like database, runs the transactions of
 * scripts/sqlite-tpcc.mjs on it with the installed sqlite3 under our recorder, resolves the recording, and writes down
 * in the manifest how it was taken.
 *
 * node scripts/record-sqlite.mjs [--out FOLDER] [--date YYYY-MM-DD]
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { loadScript, transactionScript } from "./sqlite-tpcc.mjs";
import { execute, root, runScript, StepError, step } from "./steps.mjs";

const seed = 7;
const transactions = 300;
const name = "sqlite-tpcc.rmt.gz";
const recorder = join(root, "build", "Release", "librustydb_mem_record.so");
const tool = join(root, "bin", "rustydb-mem.js");

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "workloads", "recorded") },
    date: { type: "string", default: new Date().toISOString().slice(0, 10) },
  },
});

/** Runs the sqlite3 shell on a script file; its answers go nowhere. */
function sqlite(database, script, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn("sqlite3", ["-batch", "-bail", database], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "ignore", "pipe"],
    });
    let complaint = "";
    child.stderr.on("data", (chunk) => {
      complaint += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 && complaint === "") resolve();
      else reject(new StepError(`sqlite3 ended with ${code}: ${complaint}`));
    });
    createReadStream(script).pipe(child.stdin);
  });
}

async function record(folder) {
  const [load, run, database, raw] = ["load.sql", "run.sql", "tpcc.db", "raw.rmt"].map((file) =>
    join(folder, file),
  );
  await pipeline(Readable.from(loadScript(seed)), createWriteStream(load));
  await pipeline(Readable.from(transactionScript(seed, transactions)), createWriteStream(run));
  await step("load the tables (not recorded)", () => sqlite(database, load));
  await step(`run ${transactions} transactions under the recorder`, () =>
    sqlite(database, run, { LD_PRELOAD: recorder, RUSTYDB_MEM_RECORD: raw, RUSTYDB_MEM_MARKERS: "sqlite" }),
  );
  return raw;
}

function writeManifestEntry(entry) {
  const path = join(root, "workloads", "manifest.json");
  const manifest = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { traces: [] };
  manifest.traces = [...manifest.traces.filter((one) => one.file !== entry.file), entry];
  manifest.traces.sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

await runScript(async () => {
  const folder = mkdtempSync(join(tmpdir(), "rustydb-mem-record-"));
  try {
    const raw = await record(folder);
    const out = join(values.out, name);
    await step("resolve and pack", () => execute(process.execPath, [tool, "convert", raw, out, "--force"]));
    const inspection = JSON.parse(
      await execute(process.execPath, [tool, "inspect", out, "--json", "--quiet"]),
    );
    const version = (await execute("sqlite3", ["--version"])).split(" ")[0];
    writeManifestEntry({
      file: `recorded/${name}`,
      name: "sqlite-tpcc",
      origin: `recorded: sqlite3 running ${transactions} TPC-C-like transactions, marked, with rollbacks and savepoints, one thread`,
      command: "node scripts/record-sqlite.mjs",
      version: `sqlite3 ${version} (Debian)`,
      events: inspection.analysis.events,
      threads: inspection.analysis.threads.length,
      sha256: createHash("sha256").update(readFileSync(out)).digest("hex"),
      date: values.date,
      how:
        "RUSTYDB_MEM_RECORD=raw.rmt RUSTYDB_MEM_MARKERS=sqlite LD_PRELOAD=librustydb_mem_record.so sqlite3 -batch -bail tpcc.db < run.sql, on a " +
        "database file that was loaded before, outside of the trace; scripts/sqlite-tpcc.mjs writes both scripts. " +
        "Debian builds SQLite without its lookaside memory, so that even the smallest blocks come from malloc.",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

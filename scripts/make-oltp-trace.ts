/**
 * Makes workloads/generated/oltp-tpcc.rmt.gz, and its entry in workloads/manifest.json. The same bytes every time.
 *
 * npx tsx scripts/make-oltp-trace.ts [FILE]   with FILE: only the trace, there
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { packageRoot } from "../src/native.js";
import { runGenerated } from "../src/trace/generated.js";
import { TraceOutput } from "../src/trace/output.js";
import { runTrace } from "../src/trace/source.js";
import { compileWorkload } from "../src/workload/compile.js";
import { findWorkload } from "../src/workload/shipped.js";

const SEED = 1;
const FILE = "generated/oltp-tpcc.rmt.gz";
const LARGEST_BYTES = 2_000_000;

interface ManifestEntry {
  readonly file: string;
  readonly name: string;
  readonly sha256: string;
  readonly date: string;
}

/** Puts the entry in the place of the one of the same name; a trace that did not change keeps its date. */
function writeManifestEntry(entry: ManifestEntry & Record<string, unknown>): void {
  const path = join(packageRoot, "workloads", "manifest.json");
  const manifest = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as { traces: ManifestEntry[] })
    : { traces: [] };
  const before = manifest.traces.find(({ file }) => file === entry.file);
  const date = before?.sha256 === entry.sha256 ? before.date : entry.date;
  const others = manifest.traces.filter(({ file }) => file !== entry.file);
  const traces = [...others, { ...entry, date }].sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(path, `${JSON.stringify({ ...manifest, traces }, null, 2)}\n`);
}

async function main(given: string | undefined): Promise<void> {
  const workload = findWorkload("oltp-tpcc");
  const path = given ?? join(packageRoot, "workloads", FILE);
  await mkdir(dirname(path), { recursive: true });
  const output = await TraceOutput.open(path, { format: "rmt.gz", force: true, gzipLevel: 9 });
  try {
    const program = compileWorkload(workload, { seed: SEED });
    await runGenerated(program, { kind: "rmt" }, { onOutput: (bytes) => output.write(bytes) });
    await output.commit();
  } finally {
    await output.discard();
  }
  const { analysis } = await runTrace(path, { kind: "inspect" });
  if (analysis === null) throw new Error("the trace was not inspected");
  const bytes = output.writtenBytes;
  if (bytes > LARGEST_BYTES)
    throw new Error(`${path} has ${bytes} bytes, more than the ${LARGEST_BYTES} it may have`);
  process.stdout.write(`${path}: ${analysis.events} events, ${bytes} bytes\n`);
  if (given !== undefined) return;
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  writeManifestEntry({
    file: FILE,
    name: "oltp-tpcc",
    origin: `generated: workloads/oltp-tpcc.yaml, ${workload.spec.threads} threads, seed ${SEED}, workload hash ${workload.hash}`,
    command: "npx tsx scripts/make-oltp-trace.ts",
    version: `rustydb-mem ${version}`,
    events: analysis.events,
    threads: analysis.threads.length,
    sha256: createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
    date: new Date().toISOString().slice(0, 10),
    how: workload.spec.description,
  });
}

await main(process.argv[2]);

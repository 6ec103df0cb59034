/**
 * Records the traces of real servers in workloads/recorded/ again: starts each server of the system's packages in a
 * temporary folder under our recorder, loads it, cuts out a window of the steady load with what was alive at its
 * beginning, and writes down in the manifest how it was taken. As root it installs the packages that lack.
 *
 * node scripts/record-workloads.mjs [--only redis-mix,…] [--out FOLDER] [--date YYYY-MM-DD]
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { install } from "./servers/install.mjs";
import { mariadb } from "./servers/mariadb.mjs";
import { postgres } from "./servers/postgres.mjs";
import { redis } from "./servers/redis.mjs";
import { ServerSession } from "./servers/session.mjs";
import { execute, root, runScript, StepError, step } from "./steps.mjs";

const servers = [mariadb, postgres, redis];
const tool = join(root, "bin", "rustydb-mem.js");
const mostEvents = 700_000;
// Beyond it a server was far faster than expected, and its recording would fill the disk.
const mostRecordedEvents = 20_000_000;
const mostBytes = 2_000_000;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    out: { type: "string", default: join(root, "workloads", "recorded") },
    date: { type: "string", default: new Date().toISOString().slice(0, 10) },
  },
});

/** Of the processes that were recorded the one with the most events. */
function busiest(summaryPath) {
  const { traces } = JSON.parse(readFileSync(summaryPath, "utf8"));
  return traces.map(({ trace }) => trace).sort((a, b) => b.events - a.events)[0].path;
}

async function inspect(path) {
  const text = await execute(process.execPath, [tool, "inspect", path, "--json", "--quiet", "--strict"]);
  return JSON.parse(text).analysis;
}

function writeManifestEntry(entry) {
  const path = join(root, "workloads", "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  manifest.traces = [...manifest.traces.filter((one) => one.file !== entry.file), entry];
  manifest.traces.sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

async function take(server) {
  const { name } = server;
  await step(`${name}: packages`, () => install(server));
  const session = new ServerSession(server.user);
  const stop = () => session.end().finally(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const version = await server.version(session);
    const raw = join(session.makeFolder("out"), `${name}.rmt.gz`);
    await step(`${name}: run it under the recorder`, async () => {
      const recorded = await server.record(session, raw, ["--max-events", String(mostRecordedEvents)]);
      if (!existsSync(`${raw}.json`)) throw new StepError("the recording failed", recorded.said());
    });
    const out = join(values.out, `${name}.rmt.gz`);
    await step(`${name}: cut and pack`, async () => {
      const chosen = busiest(`${raw}.json`);
      await execute(process.execPath, [
        ...[
          tool,
          "convert",
          chosen,
          out,
          "--force",
          "--quiet",
          "--time",
          `${server.warmUp}..`,
          "--head",
          String(mostEvents),
        ],
      ]);
      const { size } = statSync(out);
      if (size > mostBytes) throw new StepError(`${out} has ${size} bytes, more than ${mostBytes}`);
    });
    const analysis = await inspect(out);
    writeManifestEntry({
      file: `recorded/${name}.rmt.gz`,
      name,
      origin: `recorded: ${server.load}`,
      command: `node scripts/record-workloads.mjs --only ${name}`,
      version: `${server.packages[0]} ${version} (Debian)`,
      events: analysis.events,
      threads: analysis.threads.length,
      sha256: createHash("sha256").update(readFileSync(out)).digest("hex"),
      date: values.date,
      how:
        `rustydb-mem record; ${server.how}; cut with convert --time ${server.warmUp}.. --head ${mostEvents}: the steady load, ` +
        "behind what was alive at its beginning.",
    });
    process.stdout.write(
      `  ${analysis.events} events, ${analysis.threads.length} threads, ${statSync(out).size} bytes: ` +
        `${(statSync(out).size / analysis.events).toFixed(2)} bytes an event\n`,
    );
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await session.end();
  }
}

await runScript(async () => {
  const wanted = values.only?.split(",");
  const chosen = servers.filter(({ name }) => wanted?.includes(name) ?? true);
  if (chosen.length === 0) {
    throw new StepError(`--only takes ${servers.map(({ name }) => name).join(", ")}`);
  }
  for (const server of chosen) await take(server);
});

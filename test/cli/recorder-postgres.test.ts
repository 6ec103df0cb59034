import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bin, eventually, runTool, Scratch, startTool } from "./tool.js";

/** A server that forks for every connection. It listens on a socket in the test's own folder, nowhere else. */

const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
const programs = versions
  .map((version) => join("/usr/lib/postgresql", version, "bin"))
  .find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
const asRoot = process.getuid?.() === 0;

// PostgreSQL refuses to run as root.
const asPostgres = asRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

describe("record of PostgreSQL", () => {
  it.skipIf(programs === undefined)(
    "makes a trace for every process, each with what it had from its parent (skipped where PostgreSQL is not installed)",
    { timeout: 60_000 },
    async () => {
      const scratch = new Scratch();
      chmodSync(scratch.path, 0o777);
      chmodSync(scratch.temporary, 0o777);
      const at = (name: string): string => join(programs as string, name);
      const data = scratch.file("data");
      const [first = at("initdb"), ...rest] = [...asPostgres, at("initdb")];
      execFileSync(first, [...rest, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], {
        stdio: "pipe",
        cwd: scratch.path,
      });
      const out = scratch.file("server.rmt");
      const { child, outcome } = startTool(
        [
          ...["record", "-q", "-o", out, "--", at("postgres"), "-D", data, "-k", scratch.path],
          ...["-c", "listen_addresses=", "-c", "fsync=off"],
        ],
        { scratch, cwd: scratch.path, command: [...asPostgres, process.execPath, bin] },
      );
      const query = (text: string): string =>
        execFileSync(at("psql"), ["-h", scratch.path, "-U", "postgres", "-Atc", text], {
          stdio: ["ignore", "pipe", "pipe"],
          encoding: "utf8",
          timeout: 20_000,
        }).trim();
      try {
        await eventually(
          () => existsSync(join(data, "postmaster.pid")) && existsSync(scratch.file(".s.PGSQL.5432")),
          20_000,
          "the server listens",
        );
        const backend = await eventually(
          () => {
            try {
              return query("select pg_backend_pid() from (select count(*) from pg_class) a");
            } catch {
              return false;
            }
          },
          20_000,
          "the server answers",
        );
        const server = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
        process.kill(server, "SIGINT");
        const { code, stderr } = await outcome;
        expect(code, stderr).toBe(0);
        const traces = readdirSync(scratch.path).filter((name) => name.endsWith(".rmt"));
        expect(traces).toContain(`server.${backend}.rmt`);
        const all = await Promise.all(
          traces.map(async (name) =>
            JSON.parse((await runTool(["inspect", scratch.file(name), "--json", "-q"])).stdout),
          ),
        );
        for (const { report } of all) expect(report).toMatchObject({ dropped: 0, repaired: 0 });
        const pids = all.map(({ header }) => header.pid);
        expect(new Set(pids).size).toBe(traces.length);
        const mine = all.find(({ header }) => header.pid === backend);
        expect(mine.header.parent).toBe(String(server));
        expect(mine.analysis.marks[0]).toMatchObject({ text: "start" });
        expect(mine.analysis.marks[0].event).toBeGreaterThan(100);
      } finally {
        child.kill("SIGTERM");
        await outcome;
      }
    },
  );
});

/** PostgreSQL under pgbench: the backend that serves one of its clients. Each backend is a process with a heap of its own. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const clients = 2;
const scale = 2;

/** Beside the usual TPC-B-like transaction: what joins, sorts and groups, planned anew each time. */
const analysis = `\\set low random(1, ${scale * 100_000 - 500})
\\set count random(10, 500)
SELECT t.tid, count(*), sum(a.abalance), avg(a.abalance) AS mean, array_agg(DISTINCT a.aid % 7)
FROM pgbench_accounts a JOIN pgbench_branches b USING (bid) JOIN pgbench_tellers t USING (bid)
WHERE a.aid BETWEEN :low AND :low + :count AND a.filler NOT LIKE '%' || :count || '%'
GROUP BY t.tid HAVING count(*) > 3 ORDER BY mean DESC LIMIT 5;
`;

/** The folder of the newest PostgreSQL's programs; undefined where there is none. */
export function binaries() {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  return newest === undefined ? undefined : join("/usr/lib/postgresql", newest, "bin");
}

export const postgres = {
  name: "postgres-pgbench",
  user: "postgres",
  // From the fork of the backend on: its caches of the catalogue are full.
  warmUp: "2s",
  packages: ["postgresql", "postgresql-contrib"],
  needs: ["pgbench", "psql"],
  load: `a backend that serves one of ${clients} clients of pgbench: TPC-B-like transactions and an analytical query`,
  how:
    "postgres behind a unix socket with the default settings but fsync off; pgbench with its tpcb-like script every " +
    "second time, and the query of scripts/servers/postgres.mjs; the trace is that of the " +
    "backend with the most events",
  version: (session) =>
    session.run(join(binaries(), "postgres"), ["--version"]).then((text) => /[\d.]+/.exec(text)?.[0]),

  async record(session, out, options) {
    const bin = binaries();
    const data = session.makeFolder("data");
    const script = join(session.folder, "analysis.sql");
    writeFileSync(script, analysis);
    await session.run(join(bin, "initdb"), ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
    const server = session.record(out, options, [
      join(bin, "postgres"),
      ...["-D", data, "-k", session.folder, "-c", "listen_addresses=", "-c", "fsync=off"],
    ]);
    const to = ["-h", session.folder, "-U", "postgres"];
    await session.waitFor(server, () => session.run("psql", [...to, "-c", "select 1"]));
    await session.run("pgbench", [...to, "-i", "-q", "-s", String(scale), "postgres"]);
    const mix = ["-b", "tpcb-like@1", "-f", `${script}@1`];
    await session.run("pgbench", [...to, "-n", ...mix, "-c", String(clients), "-T", "22", "postgres"]);
    const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    await session.stop(server, pid, "SIGINT");
    return server;
  },
};

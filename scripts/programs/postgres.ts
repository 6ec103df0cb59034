import { readFileSync } from "node:fs";
import { join } from "node:path";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { binaries } from "../servers/postgres.mjs";
import { measureServer, type Program, scaled, startServer } from "./program.js";
import type { Session } from "./session.js";

const clients = 2;
const scale = 2;
const transactions: Readonly<Record<string, number>> = { "tpcb-like": 5000, "select-only": 30_000 };

const what = (load: string): string =>
  `pgbench -b ${load}, ${transactions[load]?.toLocaleString("en")} transactions of each of ${clients} clients, ` +
  `scale ${scale}, simple protocol, fsync off`;

export const postgresProgram = (name: string): string => join(binaries() as string, name);

/** Where the server with this data folder listens, as options of its clients. */
export const postgresTo = (session: Session): readonly string[] => ["-h", session.folder, "-U", "postgres"];

export const postgresWords = (session: Session, data: string): readonly string[] => [
  postgresProgram("postgres"),
  ...["-D", data, "-k", session.folder, "-c", "listen_addresses=", "-c", "fsync=off"],
];

/** Process id of the server on this data folder; it fails until the server answers. */
export async function postgresPid(session: Session, data: string): Promise<number> {
  await session.run("psql", [...postgresTo(session), "-c", "select 1"]);
  return Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
}

export const postgres: Program = {
  name: "postgres",
  user: "postgres",
  packages: ["postgresql", "postgresql-contrib"],
  needs: ["pgbench", "psql"],
  loads: Object.keys(transactions).map((name) => ({ name, operation: "transaction", what: what(name) })),
  version: async (session) =>
    `postgres ${/[\d.]+/.exec(await session.run(postgresProgram("postgres"), ["--version"]))?.[0]}`,

  async prepare(session, size) {
    const made = session.makeFolder("made");
    const initdb = [...["-D", made, "-A", "trust", "-U", "postgres"], "--no-sync"];
    await session.run(postgresProgram("initdb"), initdb);
    const [command = "", ...args] = postgresWords(session, made);
    const first = session.start(command, args);
    const pid = await session.waitFor(first, () => postgresPid(session, made));
    await session.run("pgbench", [...postgresTo(session), "-i", "-q", "-s", String(scale), "postgres"]);
    await session.stop(first, pid, "SIGINT");

    return async (load, launch) => {
      const data = join(session.folder, "data");
      await session.run("cp", ["-a", "--reflink=auto", made, data]);
      const server = startServer(session, launch, postgresWords(session, data));
      const pid = await session.waitFor(server, () => postgresPid(session, data));
      const each = scaled(transactions[load] ?? Number.NaN, size, 100);
      const figures = await measureServer(pid, launch, async () => {
        await session.run("pgbench", [
          ...[...postgresTo(session), "-n", "-b", load, "-c", String(clients), "-t", String(each)],
          ...["--random-seed", "1", "postgres"],
        ]);
        return each * clients;
      });
      await session.stop(server, pid, "SIGINT");
      await session.run("rm", ["-rf", data]);
      return figures;
    };
  },
};

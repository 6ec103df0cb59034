import { readFileSync } from "node:fs";
import { join } from "node:path";
import { measureServer, type Program, scaled, startServer } from "./program.js";
import type { Session } from "./session.js";

const clients = 4;
const transactions = 4000;
const tables = 4;
const rows = 5000;

export const mariadbInstallWords = (data: string): readonly string[] => [
  "mariadb-install-db",
  ...["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
];

export const mariadbWords = (session: Session, data: string): readonly string[] => [
  "mariadbd",
  ...["--no-defaults", `--datadir=${data}`, `--socket=${socketOf(session)}`],
  ...[`--pid-file=${join(session.folder, "mariadb.pid")}`, "--skip-networking"],
  ...["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"],
];

const socketOf = (session: Session): string => join(session.folder, "mariadb.sock");

export const mariadbTo = (session: Session): readonly string[] => [
  "--no-defaults",
  `--socket=${socketOf(session)}`,
  "-uroot",
];

/** Process id of the server; it fails until the server answers. */
export async function mariadbPid(session: Session): Promise<number> {
  await session.run("mariadb-admin", [...mariadbTo(session), "ping"]);
  return Number(readFileSync(join(session.folder, "mariadb.pid"), "utf8"));
}

/** Words of sysbench's mix on the database `sbtest`. */
export const sysbench = (session: Session, ...words: readonly string[]): Promise<string> =>
  session.run("sysbench", [
    ...["oltp_read_write", "--db-driver=mysql", `--mysql-socket=${socketOf(session)}`, "--mysql-user=root"],
    ...[`--tables=${tables}`, `--table-size=${rows}`, `--threads=${clients}`, "--rand-seed=1", ...words],
  ]);

export const sysbenchTables: readonly string[] = Array.from(
  { length: tables },
  (_, index) => `sbtest.sbtest${index + 1}`,
);

export const mariadb: Program = {
  name: "mariadb",
  user: "mysql",
  packages: ["mariadb-server", "sysbench"],
  needs: ["mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb", "sysbench"],
  loads: [
    {
      name: "oltp_read_write",
      operation: "transaction",
      what:
        `sysbench oltp_read_write, ${transactions.toLocaleString("en")} transactions from ${clients} clients on ${tables} tables of ` +
        `${rows.toLocaleString("en")} rows, buffer pool of 32 MiB`,
    },
  ],
  version: async (session) =>
    `mariadbd ${/Ver ([\d.]+)/.exec(await session.run("mariadbd", ["--version"]))?.[1]}`,

  async prepare(session, size) {
    const made = session.makeFolder("made");
    const [command = "", ...args] = mariadbInstallWords(made);
    await session.run(command, args);
    const [first = "", ...words] = mariadbWords(session, made);
    const server = session.start(first, words);
    const pid = await session.waitFor(server, () => mariadbPid(session));
    await session.run("mariadb", [...mariadbTo(session), "-e", "CREATE DATABASE sbtest"]);
    await sysbench(session, "prepare");
    await session.stop(server, pid);

    return async (_, launch) => {
      const data = join(session.folder, "data");
      await session.run("cp", ["-a", "--reflink=auto", made, data]);
      const server = startServer(session, launch, mariadbWords(session, data));
      const pid = await session.waitFor(server, () => mariadbPid(session));
      const events = scaled(transactions, size, 100);
      const figures = await measureServer(pid, launch, async () => {
        await sysbench(session, `--events=${events}`, "--time=0", "run");
        return events;
      });
      await session.stop(server, pid);
      await session.run("rm", ["-rf", data]);
      return figures;
    };
  },
};

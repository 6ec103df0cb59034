import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { loadScript, transactionScript } from "../sqlite-tpcc.mjs";
import { measureBatch, type Program, scaled } from "./program.js";
import type { Session } from "./session.js";

const seed = 7;
const transactions = 3000;

/** Words of the shell that runs a script on a database and writes the answers to `answers`. */
export const sqliteWords = (database: string, script: string, answers: string): readonly string[] => [
  "sqlite3",
  ...["-batch", "-bail", "-cmd", `.output ${answers}`, database, `.read ${script}`],
];

/** Makes the loaded database and the script that runs `count` transactions on it; gives back their paths. */
export async function makeTpcc(session: Session, count: number): Promise<{ made: string; script: string }> {
  const write = (name: string, pieces: Iterable<string>): string => {
    const path = join(session.folder, name);
    writeFileSync(path, [...pieces].join(""));
    return path;
  };
  const load = write("load.sql", loadScript(seed) as Iterable<string>);
  const script = write("run.sql", transactionScript(seed, count) as Iterable<string>);
  const made = join(session.folder, "made.db");
  const [command = "", ...args] = sqliteWords(made, load, "/dev/null");
  await session.run(command, args);
  return { made, script };
}

export const sqlite: Program = {
  name: "sqlite",
  packages: ["sqlite3"],
  needs: ["sqlite3"],
  loads: [
    {
      name: "tpcc",
      operation: "transaction",
      what: `the sqlite3 shell runs ${transactions.toLocaleString("en")} TPC-C-like transactions of scripts/sqlite-tpcc.mjs, WAL, synchronous off`,
    },
  ],
  version: async (session) => `sqlite3 ${(await session.run("sqlite3", ["--version"])).split(" ")[0]}`,

  async prepare(session, size) {
    const count = scaled(transactions, size, 50);
    const { made, script } = await makeTpcc(session, count);
    return async (_, launch) => {
      const database = join(session.folder, "run.db");
      await session.run("rm", ["-f", `${database}-wal`, `${database}-shm`]);
      copyFileSync(made, database);
      return measureBatch(session, launch, sqliteWords(database, script, "/dev/null"), count);
    };
  },
};

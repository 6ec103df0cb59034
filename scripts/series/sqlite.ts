import { join } from "node:path";
import { MIB, type SeriesLoad, Shell } from "./load.js";

const rows = 560_000;

/** A page cache that fills as a working set is read, is given back once, and fills again. */
export const sqliteCache: SeriesLoad = {
  name: "sqlite-cache",
  packages: ["sqlite3"],
  needs: ["sqlite3"],
  limitBytes: 680 * MIB,
  what: "the sqlite3 shell with a page cache of 560 MiB over a database of 600 MiB, read in ranges that wander",
  version: async (session) => `sqlite3 ${(await session.run("sqlite3", ["--version"])).split(" ")[0]}`,

  async start(session, clock) {
    const shell = new Shell(session, "sqlite3", ["-batch", join(session.folder, "cache.db")], ".print");
    await shell.ask(
      "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB);",
    );
    for (let from = 0; from < rows; from += 20_000) {
      await shell.ask(
        `INSERT INTO page SELECT value, randomblob(1000) FROM generate_series(${from + 1}, ${from + 20_000});`,
      );
    }
    await shell.ask("PRAGMA cache_size = -573440; PRAGMA shrink_memory;");
    const drive = async (): Promise<void> => {
      let shrunk = false;
      while (!clock.over && !shell.hasEnded) {
        if (!shrunk && clock.passedS > 0.55 * clock.seconds) {
          shrunk = true;
          await shell.ask("PRAGMA shrink_memory;");
        }
        // Most reads lie near a place that wanders through the table.
        const centre = rows * (0.5 + 0.5 * Math.sin(clock.passedS / 400));
        const reads = Array.from({ length: clock.whole(1, 8) }, () => {
          const near = clock.between(0, 1) < 0.7;
          const from = near ? centre + clock.between(-0.1, 0.1) * rows : clock.between(0, rows);
          return `SELECT sum(length(body)) FROM page WHERE id BETWEEN ${Math.floor(from)} AND ${Math.floor(from) + 600};`;
        });
        await shell.ask(reads.join("\n"));
        await clock.wait(clock.between(0, 1) < 0.01 ? clock.between(10, 60) : clock.between(0.5, 1.5));
      }
      shell.close();
    };
    return { pid: shell.pid, drive };
  },
};

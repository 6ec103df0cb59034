import { postgresPid, postgresProgram, postgresTo } from "../programs/postgres.js";
import { MIB, type SeriesLoad, type Session, Shell } from "./load.js";

const common = {
  user: "postgres",
  packages: ["postgresql"],
  needs: ["psql"],
  version: async (session: Session): Promise<string> =>
    `postgres ${/[\d.]+/.exec(await session.run(postgresProgram("postgres"), ["--version"]))?.[0]}`,
} as const;

/** A server of its own, and one connection to it. */
async function startPostgres(session: Session): Promise<{ pid: number; client: Shell }> {
  const data = session.makeFolder("data");
  await session.run(postgresProgram("initdb"), ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
  const settings = [
    ...["listen_addresses=", "fsync=off", "shared_buffers=48MB", "max_wal_size=128MB", "wal_level=minimal"],
    ...["max_wal_senders=0", "autovacuum=off", "jit=off", "max_parallel_workers_per_gather=0"],
  ];
  const server = session.start(postgresProgram("postgres"), [
    ...["-D", data, "-k", session.folder],
    ...settings.flatMap((setting) => ["-c", setting]),
  ]);
  await session.waitFor(server, () => postgresPid(session, data));
  const client = new Shell(
    session,
    "psql",
    [...postgresTo(session), "-X", "-q", "-A", "-t", "postgres"],
    "\\echo",
  );
  const pid = Number(/\d+/.exec(await client.ask("SELECT pg_backend_pid();"))?.[0]);
  return { pid, client };
}

const rows = 900_000;

/** Each keeps up to some hundred bytes a row until its cursor is closed. */
const queries: readonly ((upTo: number) => string)[] = [
  (upTo) => `SELECT id, pad FROM big WHERE id <= ${upTo} ORDER BY pad`,
  (upTo) => `SELECT pad, count(*) FROM big WHERE id <= ${upTo} GROUP BY pad`,
  (upTo) => `SELECT a.id, b.pad FROM big a JOIN big b USING (id) WHERE b.id <= ${upTo} AND a.k < 50`,
];

/** Clients that read slowly: memory comes at once, stays as long as the cursor, and goes at once. */
export const postgresSorts: SeriesLoad = {
  ...common,
  name: "postgres-sorts",
  limitBytes: 768 * MIB,
  what:
    "a backend of PostgreSQL with work_mem of up to 220 MiB, which sorts, groups and joins at random moments and holds " +
    "up to three results in cursors",

  async start(session, clock) {
    const { pid, client } = await startPostgres(session);
    await client.ask(
      "CREATE TABLE big AS SELECT i AS id, i % 100 AS k, md5(i::text) || md5((i + 1)::text) AS pad " +
        `FROM generate_series(1, ${rows}) i; ANALYZE big;`,
    );
    const drive = async (): Promise<void> => {
      while (!clock.over && !client.hasEnded) {
        await client.ask("BEGIN;");
        const cursors = clock.whole(1, 3);
        for (let at = 0; at < cursors && !clock.over && !client.hasEnded; at += 1) {
          const query = queries[clock.whole(0, queries.length - 1)]?.(
            Math.floor(rows * clock.between(0.05, 1)),
          );
          const since = performance.now();
          await client.ask(
            `SET LOCAL work_mem = '${clock.whole(16, 220)}MB'; SET LOCAL hash_mem_multiplier = 1; ` +
              `DECLARE c${at} NO SCROLL CURSOR FOR ${query}; MOVE 1 FROM c${at};`,
          );
          // A tenth of a processor, whatever it costs.
          await clock.wait(9 * ((performance.now() - since) / 1000) + clock.between(0, 12));
        }
        await clock.wait(clock.between(1, 15));
        await client.ask("COMMIT;");
        await clock.wait(clock.between(0, 1) < 0.2 ? clock.between(30, 90) : clock.between(2, 20));
      }
      client.close();
    };
    return { pid, drive };
  },
};

/** What a connection pool with prepared statements by text does to a backend that is never closed. */
export const postgresPrepared: SeriesLoad = {
  ...common,
  name: "postgres-prepared",
  limitBytes: 400 * MIB,
  what: "a backend of PostgreSQL whose client prepares a statement for each text it makes, and never drops one",

  async start(session, clock) {
    const { pid, client } = await startPostgres(session);
    await client.ask(
      "CREATE TABLE customer (id int PRIMARY KEY, name text, region int); " +
        "CREATE TABLE orders (id int PRIMARY KEY, customer int, day date, total numeric); " +
        "SET plan_cache_mode = force_generic_plan;",
    );
    let count = 0;
    const statement = (): string => {
      count += 1;
      const list = Array.from({ length: clock.whole(1, 12) }, () => clock.whole(1, 1_000_000)).join(", ");
      return (
        `PREPARE s${count} AS SELECT c.name, sum(o.total) FROM customer c JOIN orders o ON o.customer = c.id ` +
        `WHERE c.region = $1 AND o.id IN (${list}) GROUP BY c.name ORDER BY 2 DESC; EXECUTE s${count}(1);`
      );
    };
    const drive = async (): Promise<void> => {
      while (!clock.over && !client.hasEnded) {
        // In waves of twenty minutes.
        const busy = 1 + 0.6 * Math.sin(clock.passedS / 180) + clock.between(-0.3, 0.3);
        const batch = Array.from({ length: Math.max(0, Math.round(5.2 * busy)) }, statement);
        await client.ask(batch.join("\n"));
        await clock.wait(clock.between(0.7, 1.3));
      }
      client.close();
    };
    return { pid, drive };
  },
};

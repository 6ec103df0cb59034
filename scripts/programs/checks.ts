import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/native.js";
import { Random } from "../../src/statistics/random.js";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { StepError } from "../steps.mjs";
import { compilerWords } from "./compiler.js";
import {
  mariadbInstallWords,
  mariadbPid,
  mariadbTo,
  mariadbWords,
  sysbench,
  sysbenchTables,
} from "./mariadb.js";
import { postgresPid, postgresProgram, postgresTo, postgresWords } from "./postgres.js";
import { hashOf, type Launch, startServer } from "./program.js";
import { redisPid, redisWords } from "./redis.js";
import type { Session } from "./session.js";
import { makeTpcc, sqliteWords } from "./sqlite.js";

/** A program put to work: what it answered must be the same on every malloc. */
export interface Check {
  readonly name: string;
  readonly user?: string;
  readonly packages: readonly string[];
  readonly needs: readonly string[];
  /** The executable whose calls of malloc are looked at; called with `--version`. */
  executable(session: Session): Promise<string>;
  /** What must be the same; throws where the program itself finds something wrong. */
  run(session: Session, launch: Launch): Promise<string>;
}

function expectThat(holds: boolean, message: string): void {
  if (!holds) throw new StepError(message) as Error;
}

async function runWrapped(session: Session, launch: Launch, words: readonly string[]): Promise<string> {
  const [command = "", ...args] = launch.wrap(words);
  return session.run(command, args);
}

/** As the redis protocol has it: `*2 $3 GET $1 x`. */
const protocol = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** Commands of every type, with values of up to some KiB that grow, shrink and move; the same each time. */
function redisCommands(count: number): string {
  const random = new Random(1);
  const value = (most: number): string =>
    String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(most));
  const make: ((key: string) => string[])[] = [
    (key) => ["SET", `s${key}`, value(1000)],
    (key) => ["APPEND", `s${key}`, value(200)],
    (key) => ["SETRANGE", `s${key}`, String(random.below(3000)), value(50)],
    (key) => ["INCRBY", `n${key}`, String(random.below(1000))],
    (key) => ["LPUSH", `l${key}`, value(300), value(20)],
    (key) => ["RPOP", `l${key}`],
    (key) => ["LTRIM", `l${key}`, "0", "20"],
    (key) => ["HSET", `h${key}`, `f${random.below(200)}`, value(100)],
    (key) => ["HDEL", `h${key}`, `f${random.below(200)}`],
    (key) => ["SADD", `t${key}`, `m${random.below(1000)}`, value(40)],
    (key) => ["SREM", `t${key}`, `m${random.below(1000)}`],
    (key) => ["ZADD", `z${key}`, String(random.below(1000)), `m${random.below(300)}`],
    (key) => ["ZREMRANGEBYSCORE", `z${key}`, "0", String(random.below(100))],
    (key) => [random.below(2) === 0 ? "DEL" : "UNLINK", `${"slhtz"[random.below(5)]}${key}`],
  ];
  const commands = Array.from({ length: count }, () =>
    protocol((make[random.below(make.length)] as (typeof make)[0])(String(random.below(500)))),
  );
  return commands.join("");
}

const redis: Check = {
  name: "redis",
  user: "redis",
  packages: ["redis-server", "redis-tools"],
  needs: ["redis-server", "redis-benchmark", "redis-cli"],
  executable: async () => "redis-server",
  async run(session, launch) {
    const server = startServer(session, launch, redisWords(session.folder));
    const pid = await session.waitFor(server, () => redisPid(session));
    await launch.started?.(pid);
    const to = ["-s", join(session.folder, "redis.sock")];
    const ask = async (...words: string[]): Promise<string> =>
      (await session.run("redis-cli", [...to, "-e", ...words])).trim();
    const load = [...to, "-q", "-r", "10000", "-d", "400"];
    const commands = "set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset";
    await session.run("redis-benchmark", [...load, "-n", "60000", "-P", "16", "-t", commands]);
    await session.run("redis-benchmark", [...load, "-n", "3000", "-t", commands]);
    const filled = await ask("DEBUG", "DIGEST");
    await ask("BGSAVE");
    while (/rdb_bgsave_in_progress:1/.test(await ask("INFO", "persistence"))) await ask("PING");
    expectThat(/rdb_last_bgsave_status:ok/.test(await ask("INFO", "persistence")), "BGSAVE failed");
    await ask("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE");
    expectThat((await ask("DEBUG", "DIGEST")) === filled, "redis read another database than it had saved");
    await ask("FLUSHALL");
    const stream = join(session.folder, "commands");
    writeFileSync(stream, redisCommands(150_000));
    await session.run("sh", ["-c", 'redis-cli -s "$1" --pipe < "$2"', "sh", to[1] as string, stream]);
    const result = `${await ask("DEBUG", "DIGEST")} of ${await ask("DBSIZE")} keys`;
    const how = await session.stop(server, pid);
    expectThat(how === 0, `redis-server ended with ${how}: ${server.said()}`);
    return result;
  },
};

const analysis = `
create table t as select i, md5(i::text) as m, (i * 7919) % 1009 as g, repeat(md5(i::text), 1 + i % 40) as long
  from generate_series(1, 60000) i;
create index on t (m); create index on t (g, i); analyze t;
select g % 7, count(*), sum(length(long)), min(m), max(m), md5(string_agg(m, ',' order by m)) from t group by 1 order by 1;
select md5(string_agg(x, ',')) from (select a.m || b.m as x from t a join t b on a.g = b.g and a.i < b.i order by a.m desc, b.m limit 20000) j;
select md5(string_agg(j::text, '')) from (select jsonb_build_object('g', g, 'all', jsonb_agg(m order by i)) as j from t group by g order by g) k;
select md5(string_agg(regexp_replace(long, '[0-9]+([a-f])', '<\\1>', 'g'), '' order by i)) from t where i % 10 = 0;
with recursive n(i, s) as (select 1, 'x' union all select i + 1, s || i from n where i < 1500) select md5(max(s)) from n;
delete from t where i % 3 = 0; vacuum full t; select count(*), md5(string_agg(m, '' order by i)) from t;
`;

const postgres: Check = {
  name: "postgres",
  user: "postgres",
  packages: ["postgresql", "postgresql-contrib"],
  needs: ["pgbench", "psql"],
  executable: async () => postgresProgram("postgres"),
  async run(session, launch) {
    const data = session.makeFolder("data");
    await runWrapped(session, launch, [
      ...[postgresProgram("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"],
      ...["--no-locale", "-E", "UTF8"],
    ]);
    const server = startServer(session, launch, postgresWords(session, data));
    const pid = await session.waitFor(server, () => postgresPid(session, data));
    await launch.started?.(pid);
    const to = [...postgresTo(session), "-d", "postgres"];
    const bench = (...words: string[]): Promise<string> =>
      session.run("pgbench", [...postgresTo(session), ...words, "postgres"]);
    await bench("-i", "-q", "-s", "2");
    await bench("-n", "-c", "4", "-t", "500");
    await bench("-n", "-c", "4", "-t", "500", "-M", "prepared");
    await bench("-n", "-S", "-c", "4", "-t", "2000");
    const ask = (sql: string): Promise<string> =>
      session.run("psql", [...to, "-v", "ON_ERROR_STOP=1", "-At", "-c", sql]);
    const sums = (
      await ask(
        "select (select sum(abalance) from pgbench_accounts), (select sum(bbalance) from pgbench_branches), " +
          "(select sum(tbalance) from pgbench_tellers), (select sum(delta) from pgbench_history), (select count(*) from pgbench_history)",
      )
    )
      .trim()
      .split("|");
    expectThat(new Set(sums.slice(0, 4)).size === 1, `the sums of pgbench differ: ${sums}`);
    expectThat(sums[4] === "4000", `${sums[4]} transactions of 4000 are in the history`);
    const script = join(session.folder, "analysis.sql");
    writeFileSync(script, analysis);
    const answers = await session.run("psql", [...to, "-v", "ON_ERROR_STOP=1", "-At", "-f", script]);
    const how = await session.stop(server, pid, "SIGINT");
    expectThat(how === 0, `postgres ended with ${how}: ${server.said()}`);
    await session.run("rm", ["-rf", data]);
    return hashOf(answers);
  },
};

const mariadb: Check = {
  name: "mariadb",
  user: "mysql",
  packages: ["mariadb-server", "sysbench"],
  needs: ["mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb", "sysbench"],
  executable: async () => "mariadbd",
  async run(session, launch) {
    const data = session.makeFolder("data");
    await runWrapped(session, launch, mariadbInstallWords(data));
    const server = startServer(session, launch, mariadbWords(session, data));
    const pid = await session.waitFor(server, () => mariadbPid(session));
    await launch.started?.(pid);
    const ask = (sql: string): Promise<string> =>
      session.run("mariadb", [...mariadbTo(session), "--batch", "--skip-column-names", "-e", sql]);
    await ask("CREATE DATABASE sbtest");
    await sysbench(session, "prepare");
    await sysbench(session, "--events=1500", "--time=0", "run");
    const checked = (await ask(`CHECK TABLE ${sysbenchTables.join(", ")} EXTENDED`)).trim().split("\n");
    expectThat(
      checked.length === sysbenchTables.length && checked.every((line) => /\tstatus\tOK$/.test(line)),
      `CHECK TABLE: ${checked.join("; ")}`,
    );
    const answers = await ask(`
      USE sbtest; SET SESSION group_concat_max_len = 100000000;
      CREATE TABLE sbtest.t ENGINE=InnoDB AS SELECT seq AS i, MD5(seq) AS m, (seq * 7919) MOD 1009 AS g,
        REPEAT(MD5(seq), 1 + seq MOD 40) AS l FROM seq_1_to_30000;
      ALTER TABLE sbtest.t ADD PRIMARY KEY (i), ADD INDEX (g), ADD INDEX (m);
      SELECT g MOD 7, COUNT(*), SUM(LENGTH(l)), MD5(GROUP_CONCAT(m ORDER BY m)) FROM sbtest.t GROUP BY 1 ORDER BY 1;
      SELECT MD5(GROUP_CONCAT(x ORDER BY x)) FROM (SELECT CONCAT(a.m, b.m) AS x FROM sbtest.t a JOIN sbtest.t b USING (g)
        WHERE a.i < b.i ORDER BY 1 LIMIT 5000) j;
      SELECT MD5(GROUP_CONCAT(REGEXP_REPLACE(l, '[0-9]+', '-') ORDER BY i)) FROM sbtest.t WHERE i MOD 20 = 0;
      SELECT MD5(JSON_ARRAYAGG(m ORDER BY i)) FROM sbtest.t WHERE i < 5000;
      DELETE FROM sbtest.t WHERE i MOD 3 = 0; OPTIMIZE TABLE sbtest.t; CHECKSUM TABLE sbtest.t EXTENDED`);
    const how = await session.stop(server, pid);
    expectThat(how === 0, `mariadbd ended with ${how}: ${server.said()}`);
    await session.run("rm", ["-rf", data]);
    return hashOf(answers);
  },
};

const sqlite: Check = {
  name: "sqlite",
  packages: ["sqlite3"],
  needs: ["sqlite3"],
  executable: async () => "sqlite3",
  async run(session, launch) {
    const { made, script } = await makeTpcc(session, 300);
    const end = join(session.folder, "end.sql");
    writeFileSync(end, "PRAGMA integrity_check;\n.dump\n");
    const answers = [script, end].map((file, index) => {
      const out = join(session.folder, `answers-${index}`);
      return { out, words: sqliteWords(made, file, out) };
    });
    for (const { words } of answers) await runWrapped(session, launch, words);
    const texts = answers.map(({ out }) => readFileSync(out, "utf8"));
    expectThat(texts[1]?.startsWith("ok\n") === true, "PRAGMA integrity_check is not ok");
    return hashOf(texts.join(""));
  },
};

/** A python3 that has its own tests, which distributions pack apart. */
async function testedPython(session: Session): Promise<string> {
  const versions = join(homedir(), ".pyenv", "versions");
  const folders = ((): string[] => {
    try {
      return readdirSync(versions).map((name) => join(versions, name, "bin"));
    } catch {
      return []; // No pyenv here.
    }
  })();
  const candidates = [
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    ...folders.reverse().map((folder) => join(folder, "python3")),
  ];
  for (const python of candidates) {
    try {
      await session.run(python, [
        "-c",
        "import sys; assert sys.version_info >= (3, 9); import test.test_json, test.test_threading",
      ]);
      return python;
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
    }
  }
  throw new StepError(
    "no python3 here has its tests: apt-get install libpython3.11-testsuite (of your version), or use one of pyenv",
  ) as Error;
}

const python: Check = {
  name: "python",
  packages: ["python3"],
  needs: ["python3"],
  executable: testedPython,
  async run(session, launch) {
    const words = [await testedPython(session), "-m", "test", "test_json", "test_dict", "test_threading"];
    const said = await runWrapped(session, launch, words);
    const result = /All 3 tests OK|Result: SUCCESS/.exec(said)?.[0];
    expectThat(result !== undefined, `python's tests: ${said.slice(-500)}`);
    return result as string;
  },
};

const node: Check = {
  name: "node",
  packages: ["nodejs"],
  needs: ["node"],
  executable: async () => process.execPath,
  async run(session, launch) {
    const report = join(session.folder, "vitest.json");
    await runWrapped(session, launch, [
      ...[
        process.execPath,
        join(packageRoot, "node_modules", "vitest", "vitest.mjs"),
        "run",
        "--root",
        packageRoot,
      ],
      ...[
        "test/statistics",
        "test/trace",
        "test/workload",
        "test/measure",
        "test/report",
        "test/architecture",
      ],
      ...["--reporter=json", `--outputFile=${report}`],
    ]);
    const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"));
    expectThat(numPassedTests > 100, `vitest ran ${numPassedTests} tests`);
    return `${numPassedTests} of ${numTotalTests} tests`;
  },
};

const compiler: Check = {
  name: "g++",
  packages: ["g++"],
  needs: ["g++"],
  executable: async (session) => (await session.run("g++", ["-print-prog-name=cc1plus"])).trim(),
  async run(session, launch) {
    const object = join(session.folder, "compiled.o");
    await runWrapped(session, launch, compilerWords(object));
    return hashOf(readFileSync(object));
  },
};

export const CHECKS: readonly Check[] = [redis, postgres, mariadb, sqlite, python, node, compiler];

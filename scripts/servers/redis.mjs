/** Redis under a mix of commands of redis-benchmark, with more keys than its memory limit lets it keep. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const keys = 8000;
const loads = [
  ["-t", "set", "-d", "64"],
  ["-t", "set,get", "-d", "700"],
  ["-t", "get,incr,mset", "-d", "16"],
  ["-t", "lpush,lpop,rpush,rpop", "-d", "120"],
  ["-t", "sadd,spop,zadd,zpopmin,hset", "-d", "40"],
  ["EXPIRE", "key:__rand_int__", "1"],
  ["UNLINK", "myhash", "mylist", "myset", "myzset"],
];

export const redis = {
  name: "redis-mix",
  user: "redis",
  // From its first event on: the load has filled the memory by then.
  warmUp: "6s",
  packages: ["redis-server", "redis-tools"],
  needs: ["redis-server", "redis-benchmark", "redis-cli"],
  load: "sets, gets, lists, hashes, sorted sets, expiry and eviction, from seven clients with two connections each",
  how:
    "redis-server without persistence, memory limit 24 MiB with eviction, two I/O threads, behind a unix socket; the " +
    "mix of scripts/servers/redis.mjs",
  version: (session) =>
    session.run("redis-server", ["--version"]).then((text) => /v=([\d.]+)/.exec(text)?.[1]),

  async record(session, out, options) {
    const socket = join(session.folder, "redis.sock");
    const pidFile = join(session.folder, "redis.pid");
    const server = session.record(out, options, [
      "redis-server",
      ...["--port", "0", "--unixsocket", socket, "--pidfile", pidFile, "--dir", session.folder],
      ...["--save", "", "--appendonly", "no", "--maxmemory", "24mb", "--maxmemory-policy", "allkeys-lru"],
      ...["--io-threads", "2", "--lazyfree-lazy-eviction", "yes"],
    ]);
    await session.waitFor(server, () => session.run("redis-cli", ["-s", socket, "ping"]));
    const clients = loads.map((load) => {
      const words = ["-s", socket, "-q", "-l", "-c", "2", "-r", String(keys), ...load];
      return session.start("redis-benchmark", words);
    });
    await sleep(10_000);
    for (const client of clients) await session.stop(client, client.child.pid, "SIGKILL");
    const pid = /process_id:(\d+)/.exec(await session.run("redis-cli", ["-s", socket, "info", "server"]));
    await session.stop(server, Number(pid?.[1] ?? readFileSync(pidFile, "utf8")));
    return server;
  },
};

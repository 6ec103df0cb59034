import { join } from "node:path";
import { measureServer, type Program, scaled, startServer } from "./program.js";
import type { Session } from "./session.js";

const commands = ["set", "get", "lpush", "lpop", "sadd", "hset", "zadd"];
const valueBytes = [100, 400, 1000];
const requests = 1_000_000;
const keys = 20_000;
const pipelines: Readonly<Record<string, number>> = { pipelined: 16, unpipelined: 1 };

const what = (how: string): string =>
  `redis-benchmark, ${requests.toLocaleString("en")} requests from 50 clients, ${how}: ${commands.join(", ")} ` +
  `with values of ${valueBytes.join(", ")} bytes on ${keys.toLocaleString("en")} keys`;

/** Debian's Redis, which calls malloc by that name: jemalloc by its link order, and whatever is preloaded. */
export const redis: Program = {
  name: "redis",
  user: "redis",
  packages: ["redis-server", "redis-tools"],
  needs: ["redis-server", "redis-benchmark", "redis-cli"],
  loads: [
    { name: "pipelined", operation: "request", what: what("16 in a pipeline") },
    { name: "unpipelined", operation: "request", what: what("one at a time") },
  ],
  version: async (session) =>
    `redis-server ${/v=([\d.]+)/.exec(await session.run("redis-server", ["--version"]))?.[1]}`,

  async prepare(session, size) {
    const socket = join(session.folder, "redis.sock");
    const each = scaled(requests / commands.length / valueBytes.length, size, 1000);
    return async (load, launch) => {
      const server = startServer(session, launch, redisWords(session.folder));
      const pid = await session.waitFor(server, () => redisPid(session));
      const figures = await measureServer(pid, launch, async () => {
        for (const bytes of valueBytes) {
          await session.run("redis-benchmark", [
            ...["-s", socket, "-q", "-n", String(each), "-r", String(keys), "-d", String(bytes)],
            ...["-P", String(pipelines[load]), "-t", commands.join(",")],
          ]);
        }
        return each * commands.length * valueBytes.length;
      });
      await session.stop(server, pid);
      return figures;
    };
  },
};

export const redisWords = (folder: string): readonly string[] => [
  "redis-server",
  ...["--port", "0", "--unixsocket", join(folder, "redis.sock"), "--dir", folder],
  ...["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"],
];

/** Process id of the server in this folder; it fails until the server answers. */
export async function redisPid(session: Session): Promise<number> {
  const info = await session.run("redis-cli", ["-s", join(session.folder, "redis.sock"), "info", "server"]);
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

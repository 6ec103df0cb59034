import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Clock, GIB, MIB, type SeriesLoad, type Session } from "./load.js";

const common = {
  user: "redis",
  packages: ["redis-server", "redis-tools"],
  needs: ["redis-server", "redis-cli"],
  version: async (session: Session): Promise<string> =>
    `redis-server ${/v=([\d.]+)/.exec(await session.run("redis-server", ["--version"]))?.[1]}`,
} as const;

/** Sends commands whose answers are single lines, many at a time. */
class Client {
  private waiting = 0;
  private answered: (() => void) | undefined;
  closed = false;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      for (const byte of bytes) if (byte === 10) this.waiting -= 1;
      if (this.waiting <= 0) this.answered?.();
    });
    const close = (): void => {
      this.closed = true;
      this.answered?.();
    };
    socket.on("error", close).on("close", close);
  }

  static open(path: string): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("connect", () => resolve(new Client(socket))).once("error", reject);
    });
  }

  async send(commands: readonly (readonly string[])[]): Promise<void> {
    if (this.closed || commands.length === 0) return;
    this.waiting = commands.length;
    const answers = new Promise<void>((resolve) => {
      this.answered = resolve;
    });
    const word = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
    this.socket.write(commands.map((words) => `*${words.length}\r\n${words.map(word).join("")}`).join(""));
    await answers;
  }

  close(): void {
    this.socket.destroy();
  }
}

async function startRedis(
  session: Session,
  options: readonly string[],
): Promise<{ pid: number; client: Client }> {
  const socket = join(session.folder, "redis.sock");
  const server = session.start("redis-server", [
    ...["--port", "0", "--unixsocket", socket, "--dir", session.folder, "--save", "", "--appendonly", "no"],
    ...options,
  ]);
  await session.waitFor(server, () => session.run("redis-cli", ["-s", socket, "ping"]));
  return { pid: server.child.pid as number, client: await Client.open(socket) };
}

const TICK_S = 0.25;

/** Sets of about `bytesPerS` for `seconds`. */
async function setFor(
  client: Client,
  clock: Clock,
  seconds: number,
  bytesPerS: number,
  command: (clock: Clock) => { words: readonly string[]; bytes: number },
): Promise<void> {
  for (let passed = 0; passed < seconds; passed += TICK_S) {
    const batch: (readonly string[])[] = [];
    for (let bytes = 0; bytes < bytesPerS * TICK_S; ) {
      const next = command(clock);
      bytes += next.bytes;
      batch.push(next.words);
    }
    await client.send(batch);
    if (client.closed || !(await clock.wait(TICK_S))) return;
  }
}

/** Keys come in phases, some expire, some are deleted; all are flushed once, and the second filling meets the limit. */
export const redisFilling: SeriesLoad = {
  ...common,
  name: "redis-filling",
  limitBytes: 920 * MIB,
  what:
    "redis-server without a limit of its own, filled in phases of other speeds with pauses, keys that expire, " +
    "deletions and one FLUSHALL",

  async start(session, clock) {
    const { pid, client } = await startRedis(session, []);
    let keys = 0;
    const set = (ttl: number): { words: readonly string[]; bytes: number } => {
      const bytes = clock.whole(100, 2000);
      keys += 1;
      const words = ["SET", `session:${keys}`, "v".repeat(bytes)];
      return { words: ttl === 0 ? words : [...words, "EX", `${ttl}`], bytes };
    };
    const drive = async (): Promise<void> => {
      let flushed = false;
      while (!clock.over && !client.closed) {
        if (!flushed && clock.passedS > 0.4 * clock.seconds) {
          flushed = true;
          await client.send([["FLUSHALL"]]);
        }
        const seconds = clock.between(15, 120);
        const phase = clock.between(0, 1);
        const speed = MIB * (flushed ? clock.between(0.5, 1.9) : clock.between(0.2, 1.2));
        if (phase < 0.6) await setFor(client, clock, seconds, speed, () => set(0));
        else if (phase < 0.75) await setFor(client, clock, seconds, speed, () => set(clock.whole(20, 240)));
        else if (phase < 0.9) await clock.wait(seconds);
        else {
          const gone = Math.floor(keys * clock.between(0.02, 0.15));
          for (let at = 0; at < gone && !client.closed; at += 1000) {
            const some = Array.from({ length: 1000 }, () => ["UNLINK", `session:${clock.whole(1, keys)}`]);
            await client.send(some);
            await clock.wait(0.1);
          }
        }
      }
      client.close();
    };
    return { pid, drive };
  },
};

/** Full from the fifth minute on; what changes is the size of its values. */
export const redisCache: SeriesLoad = {
  ...common,
  name: "redis-cache",
  limitBytes: 1.5 * GIB,
  what: "redis-server as a cache of 600 MiB that evicts by LRU, its values slowly growing and shrinking in size",

  async start(session, clock) {
    const { pid, client } = await startRedis(session, [
      "--maxmemory",
      "600mb",
      "--maxmemory-policy",
      "allkeys-lru",
    ]);
    const set = (): { words: readonly string[]; bytes: number } => {
      const typical = 700 + 600 * Math.sin(clock.passedS / 240);
      const bytes = Math.ceil(clock.between(0.2, 1.8) * typical) + 16;
      return { words: ["SET", `page:${clock.whole(1, 3_000_000)}`, "v".repeat(bytes)], bytes };
    };
    const drive = async (): Promise<void> => {
      await setFor(client, clock, 280, 2.2 * MIB, set);
      while (!clock.over && !client.closed) {
        await setFor(client, clock, clock.between(20, 90), clock.between(0.1, 1.5) * MIB, set);
      }
      client.close();
    };
    return { pid, drive };
  },
};

import { Bench } from "tinybench";
import { RequestedRound, type RoundOutcome, type RoundRequest } from "../engine/replayer.js";
import { Interrupted, ReplayError } from "../errors.js";
import { interleavings } from "../measure/order.js";
import type { TogetherRunner } from "../measure/schedule.js";
import { Random } from "../statistics/random.js";

/** Who has the machine: the tasks of a benchmark all run at once, and each waits here for its turn. */
class Turns {
  private readonly waiting = new Map<number, () => void>();

  /** @param sequence players in the order of their turns */
  constructor(private readonly sequence: number[]) {}

  /** Resolves when it is the player's turn. */
  take(player: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.set(player, resolve);
      this.wake();
    });
  }

  /** The turn is over. */
  pass(): void {
    this.sequence.shift();
    this.wake();
  }

  /** The player has no more turns. */
  leave(player: number): void {
    for (let at = this.sequence.length - 1; at >= 0; at -= 1)
      if (this.sequence[at] === player) this.sequence.splice(at, 1);
    this.wake();
  }

  private wake(): void {
    const [next] = this.sequence;
    if (next === undefined) return;
    const resolve = this.waiting.get(next);
    this.waiting.delete(next);
    resolve?.();
  }
}

/** One allocator in a round: its process, as long as it lives. */
class Player {
  failure: ReplayError | undefined;
  private readonly round: RequestedRound;

  constructor(request: RoundRequest, signal: AbortSignal | undefined) {
    this.round = new RequestedRound(request, signal === undefined ? {} : { signal });
  }

  /** What it does, unless it has failed; a failure of this replay process is kept, and anything else thrown. */
  private async guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.failure !== undefined) return undefined;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      this.failure = error;
      return undefined;
    }
  }

  start(): Promise<unknown> {
    return this.guarded(() => this.round.started());
  }

  /** ns that the passes of a batch took. */
  async batch(passes: number): Promise<number | undefined> {
    const played = await this.guarded(() => this.round.batch(passes));
    return played?.reduce((sum, { wallNs }) => sum + wallNs, 0);
  }

  async finish(): Promise<RoundOutcome | ReplayError> {
    const outcome = await this.guarded(() => this.round.finish());
    return outcome ?? (this.failure as ReplayError);
  }

  abandon(): Promise<void> {
    return this.round.abandon();
  }
}

/** So that drift within a round hits all alike. */
const BATCHES = 4;

/**
 * Timed rounds on tinybench: the processes of all allocators are up at once, one task each, and play batches of warm passes in turns,
 * in seeded permutations; a task returns what its process measured. A new process each round, since where a process lies in memory
 * stays the same for its life, and would pass for precision.
 */
export function onTinybench(seed: number): TogetherRunner {
  return async (requests, { round, signal }) => {
    const players: Player[] = [];
    try {
      for (const request of requests) {
        const player = new Player(request, signal);
        players.push(player);
        await player.start();
      }
      await playBatches(players, requests, new Random(seed * 1_000_003 + round), signal);
      const outcomes: (RoundOutcome | ReplayError)[] = [];
      for (const player of players) outcomes.push(await player.finish());
      return outcomes;
    } catch (error) {
      await Promise.all(players.map((player) => player.abandon()));
      throw error;
    }
  };
}

/** 5 in 4: 2, 1, 1, 1. */
function evenShares(passes: number, batches: number): number[] {
  return Array.from(
    { length: batches },
    (_, index) => Math.floor(passes / batches) + (index < passes % batches ? 1 : 0),
  );
}

async function playBatches(
  players: readonly Player[],
  requests: readonly RoundRequest[],
  random: Random,
  signal: AbortSignal | undefined,
): Promise<void> {
  const batches = Math.min(BATCHES, Math.max(1, ...requests.map(({ warmPasses }) => warmPasses)));
  const living = players.map((_, index) => index).filter((index) => players[index]?.failure === undefined);
  const orders = interleavings(living, random);
  const turns = new Turns(Array.from({ length: batches }, () => orders.next().value).flat());
  const bench = new Bench({
    concurrency: "bench",
    iterations: batches,
    time: 0,
    warmup: false,
    throws: true,
    // No signal: tinybench would end a task without a word, and leave the others waiting for its turn.
  });
  for (const index of living) {
    const player = players[index] as Player;
    const shares = evenShares(requests[index]?.warmPasses ?? 1, batches);
    const turn = async (): Promise<{ overriddenDuration: number }> => {
      if (player.failure !== undefined) return { overriddenDuration: 0 };
      await turns.take(index);
      if (signal?.aborted) throw new Interrupted();
      const passes = shares.shift() ?? 0;
      const work = passes === 0 ? Promise.resolve(0) : player.batch(passes);
      const tookNs = await work.finally(() => turns.pass());
      if (tookNs === undefined) turns.leave(index);
      return { overriddenDuration: (tookNs ?? 0) / 1e6 };
    };
    bench.add(`${requests[index]?.allocator.name}#${index}`, turn, { async: true });
  }
  await bench.run();
  if (signal?.aborted) throw new Interrupted();
}

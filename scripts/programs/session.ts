import type { ChildProcess } from "node:child_process";
// @ts-expect-error: plain JavaScript, for scripts that run before anything is installed
import { install as installPackages } from "../servers/install.mjs";
// @ts-expect-error: as above
import { ServerSession, underRecorder } from "../servers/session.mjs";

/** The types of scripts/servers, which is plain JavaScript. */

export interface Running {
  readonly command: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | string>;
  readonly hasEnded: boolean;
  said(): string;
}

export interface Session {
  readonly folder: string;
  makeFolder(name: string): string;
  start(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  waitFor<T>(server: Running, ready: () => Promise<T>): Promise<T>;
  stop(program: Running, pid: number, signal?: NodeJS.Signals): Promise<number | string | null>;
  end: () => Promise<void>;
}

/** A temporary folder; as root, programs in it run as `user`. It ends as well where a signal ends the script. */
export function openSession(user?: string): Session {
  const session = new ServerSession(user) as Session;
  const stop = (): void => {
    session.end().finally(() => process.exit(130));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const end = session.end.bind(session);
  // Once only: what it stops makes the script fail, which then ends the session as well.
  let ending: Promise<void> | undefined;
  session.end = () => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    ending ??= end();
    return ending;
  };
  return session;
}

export const install = (what: {
  readonly packages: readonly string[];
  readonly needs: readonly string[];
}): Promise<string> => installPackages(what) as Promise<string>;

/** `words` under `rustydb-mem record`, which writes `out` and, of what it recorded, `out.json`. */
export const recordWords = (
  out: string,
  options: readonly string[],
  words: readonly string[],
): readonly string[] => underRecorder(out, options, words) as string[];

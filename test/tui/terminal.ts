import { EventEmitter } from "node:events";

// Ink looks when it is loaded, and draws nothing where it believes itself in CI. This terminal is in none.
delete process.env.CI;
delete process.env.CONTINUOUS_INTEGRATION;

/** A terminal that keeps what is written to it, types what it is told, and changes its size. */
export function terminal(columns = 120, rows = 24) {
  const frames: string[] = [];
  const stdout = Object.assign(new EventEmitter(), {
    columns,
    rows,
    isTTY: true,
    write: (text: string) => frames.push(text),
  });
  const input: string[] = [];
  const stdin = Object.assign(new EventEmitter(), {
    ...{ isTTY: true, setEncoding: () => undefined, setRawMode: () => undefined, resume: () => undefined },
    ...{ pause: () => undefined, ref: () => undefined, unref: () => undefined },
    read: () => input.shift() ?? null,
  });
  return {
    frames,
    type: (text: string): void => {
      input.push(text);
      stdin.emit("readable");
    },
    resize: (toColumns: number, toRows: number): void => {
      Object.assign(stdout, { columns: toColumns, rows: toRows });
      stdout.emit("resize");
    },
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
  };
}

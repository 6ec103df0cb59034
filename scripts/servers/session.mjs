/**
 * What the scripts that record real servers share: a private folder, an unprivileged user to run as, and processes that
 * are always ended, by their id.
 */
import { execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root, StepError } from "../steps.mjs";

const tool = join(root, "bin", "rustydb-mem.js");
const startTimeoutMs = 60_000;
// The recorder resolves what it recorded before it ends.
const stopTimeoutMs = 180_000;

/** Servers refuse to run as root: who runs them then, or nothing where we are not root or any user will do. */
function userToRunAs(name) {
  if (name === undefined || process.getuid?.() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** `words` under the recorder; the trace of the program is `out`, those of its children lie beside it. */
export function underRecorder(out, options, words) {
  const files = ["-o", out, "--export-json", `${out}.json`];
  return [process.execPath, tool, "record", "-q", ...files, ...options, "--", ...words];
}

/** A folder of the server's own and what runs in it; `end` stops what still runs and removes the folder. */
export class ServerSession {
  #running = new Set();

  constructor(user) {
    this.user = userToRunAs(user);
    this.folder = mkdtempSync(join(tmpdir(), "rustydb-mem-server-"));
    this.#give(this.folder);
  }

  #give(path) {
    if (this.user.uid !== undefined) chownSync(path, this.user.uid, this.user.gid);
  }

  /** A new folder inside. */
  makeFolder(name) {
    const path = join(this.folder, name);
    mkdirSync(path, { mode: 0o700 });
    this.#give(path);
    return path;
  }

  /** Starts a program as the user; what it says is kept for the message of a failure. */
  start(command, args, env = {}) {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder, PATH: `${process.env.PATH ?? ""}:/usr/sbin`, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...this.user,
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-8000);
      });
    }
    const ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, signal) => resolve(signal ?? code));
    });
    const program = { command, child, ended, hasEnded: false, said: () => said };
    ended.then(() => {
      program.hasEnded = true;
      this.#running.delete(program);
    });
    this.#running.add(program);
    return program;
  }

  /** Runs a program to its end; a failure is a StepError with what it said. */
  async run(command, args, env = {}) {
    const program = this.start(command, args, env);
    const how = await program.ended;
    if (how !== 0) throw new StepError(`${command} ended with ${how}`, program.said());
    return program.said();
  }

  /** Starts `words` under the recorder. */
  record(out, options, words) {
    const [command, ...args] = underRecorder(out, options, words);
    return this.start(command, args);
  }

  /** Waits until `ready` succeeds, as long as the server runs. */
  async waitFor(server, ready) {
    const until = Date.now() + startTimeoutMs;
    for (;;) {
      if (server.hasEnded) throw new StepError(`${server.command} ended while it started`, server.said());
      try {
        return await ready();
      } catch (error) {
        if (!(error instanceof StepError) || Date.now() > until) throw error;
      }
      await sleep(200);
    }
  }

  /** Signals `pid` and waits until `program`, which stands for it, has ended; true where it did by itself. */
  async stop(program, pid, signal = "SIGTERM") {
    if (!program.hasEnded) process.kill(pid, signal);
    const how = await Promise.race([program.ended, sleep(stopTimeoutMs, "late", { ref: false })]);
    if (how === "late") throw new StepError(`process ${pid} did not end on ${signal}`, program.said());
    return how;
  }

  async end() {
    for (const { child, ended } of this.#running) {
      child.kill("SIGTERM");
      const how = await Promise.race([ended, sleep(10_000, "late", { ref: false })]);
      if (how === "late") child.kill("SIGKILL");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

import { posix } from "node:path";
import { UserError } from "../../errors.js";
import { type CgroupFolder, cgroupOfProcess, tightestLimit } from "./cgroup-tree.js";
import type { KernelFiles } from "./kernel-files.js";
import { parseProcessStatus, parseStartTicks } from "./kernel-text.js";
import type { PressureSource, Reading, SourceEnd } from "./source.js";

/**
 * One process, without its children. Its resident anonymous and shared memory is taken from `status`, which costs the
 * same however large the process is: `smaps_rollup` walks its page tables, milliseconds for each GiB.
 */
export class ProcessSource implements PressureSource {
  readonly name: string;
  readonly usedIs = "resident anonymous and shared memory";
  readonly limitIs: string;
  private readonly startTicks: number;
  private readonly within: CgroupFolder | undefined;
  /** Of its cgroup, where the kernel counts it by group. */
  private readonly pressureFile: string;

  constructor(
    private readonly files: KernelFiles,
    readonly pid: number,
  ) {
    const startTicks = this.startOf();
    if (startTicks === undefined) {
      throw new UserError("no-such-process", `there is no process ${pid}`, {
        remedy: "ps lists those there are; pidof NAME finds one by its name.",
      });
    }
    this.startTicks = startTicks;
    const { name, ended, usedBytes } = this.status() ?? { name: "?", ended: true, usedBytes: null };
    if (ended) throw new UserError("no-such-process", `process ${pid} (${name}) has ended already`);
    if (usedBytes === null) {
      throw new UserError("kernel-thread", `process ${pid} (${name}) is a kernel thread: it has no memory`);
    }
    this.name = `process ${pid} (${name})`;
    this.within = cgroupOfProcess(files, pid);
    const ofGroup = this.within && posix.join(this.within.folder, "memory.pressure");
    this.pressureFile = ofGroup !== undefined && files.has(ofGroup) ? ofGroup : "proc/pressure/memory";
    const limit = this.within === undefined ? null : tightestLimit(files, this.within);
    this.limitIs =
      limit === null || limit >= files.meminfo().totalBytes
        ? "MemTotal"
        : `the limit of its cgroup ${this.within?.group ?? ""}`;
  }

  read(): Reading | SourceEnd {
    const { files, within } = this;
    const status = this.status();
    // After the status: a number that was given to another process in between shows.
    const startTicks = this.startOf();
    const ended = { ended: `${this.name} has ended` };
    if (status === undefined || startTicks === undefined || status.ended) return ended;
    if (startTicks !== this.startTicks) {
      return {
        ended: `${this.name} has ended, and its number belongs to another process now (${status.name})`,
      };
    }
    // Without memory and alive: it is just about to end.
    if (status.usedBytes === null) return ended;
    const { totalBytes } = files.meminfo();
    const limit = within === undefined ? null : tightestLimit(files, within);
    return {
      usedBytes: status.usedBytes,
      totalBytes: Math.min(limit ?? totalBytes, totalBytes),
      swapBytes: status.swapBytes,
      psiMillipercent: files.pressure(this.pressureFile),
    };
  }

  private status() {
    const path = `proc/${this.pid}/status`;
    const text = this.files.readIfThere(path);
    return text === undefined ? undefined : parseProcessStatus(text, this.files.path(path));
  }

  private startOf(): number | undefined {
    const path = `proc/${this.pid}/stat`;
    const text = this.files.readIfThere(path);
    return text === undefined ? undefined : parseStartTicks(text, this.files.path(path));
  }
}

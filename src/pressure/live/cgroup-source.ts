import { posix } from "node:path";
import { type CgroupFolder, findCgroup, tightestLimit } from "./cgroup-tree.js";
import type { KernelFiles } from "./kernel-files.js";
import {
  type KernelCounts,
  parseCgroupStat,
  parseCgroupStatV1,
  parseKernelCounts,
  parseLimit,
} from "./kernel-text.js";
import type { PressureSource, Reading, SourceEnd } from "./source.js";

/** A cgroup with all below it, version 1 or 2. */
export class CgroupSource implements PressureSource {
  readonly name: string;
  readonly usedIs: string;
  readonly limitIs: string;
  readonly cgroup: string;
  private readonly at: CgroupFolder;

  constructor(
    private readonly files: KernelFiles,
    path: string,
  ) {
    this.at = findCgroup(files, path);
    this.cgroup = this.at.group;
    this.name = `cgroup ${this.at.group}`;
    this.usedIs =
      this.at.version === 2
        ? "anonymous and shared memory, unreclaimable slab, kernel stacks and page tables"
        : "anonymous and shared memory";
    const limit = tightestLimit(files, this.at);
    this.limitIs =
      limit === null || limit >= files.meminfo().totalBytes ? "MemTotal, it has no limit" : "its limit";
    this.read();
  }

  read(): Reading | SourceEnd {
    const { files, at } = this;
    const path = this.file("memory.stat");
    const text = files.readIfThere(path);
    if (text === undefined) return { ended: `${this.name} is gone` };
    const parse = at.version === 2 ? parseCgroupStat : parseCgroupStatV1;
    const stat = parse(text, files.path(path));
    return {
      usedBytes: stat.usedBytes,
      totalBytes: Math.min(tightestLimit(files, at) ?? Number.POSITIVE_INFINITY, files.meminfo().totalBytes),
      swapBytes: at.version === 2 ? this.swap() : stat.swapBytes,
      psiMillipercent: files.pressure(this.file("memory.pressure")),
      counts: this.counts(),
    };
  }

  private swap(): number | null {
    const path = this.file("memory.swap.current");
    const text = this.files.readIfThere(path);
    return text === undefined ? null : parseLimit(text, this.files.path(path));
  }

  private counts(): KernelCounts {
    const file = this.at.version === 2 ? "memory.events" : "memory.oom_control";
    return parseKernelCounts(this.files.readIfThere(this.file(file)) ?? "");
  }

  private file(name: string): string {
    return posix.join(this.at.folder, name);
  }
}

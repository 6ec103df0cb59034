import { describe, expect, it } from "vitest";
import { CgroupSource } from "../../../src/pressure/live/cgroup-source.js";
import { ProcessSource } from "../../../src/pressure/live/process-source.js";
import { SystemSource } from "../../../src/pressure/live/system-source.js";
import { MIB, MOUNTS_V1, MOUNTS_V2, meminfo, stat, status, Tree } from "./tree.js";

const V2 = "sys/fs/cgroup";
const STAT_V2 = `anon ${300 * MIB}\nfile ${500 * MIB}\nshmem ${10 * MIB}\nslab_unreclaimable ${2 * MIB}\n`;

/** A service in a slice, version 2. */
function treeV2(): Tree {
  return new Tree({
    "proc/self/mountinfo": MOUNTS_V2,
    [`${V2}/cgroup.procs`]: "",
    [`${V2}/memory.stat`]: STAT_V2,
    [`${V2}/system.slice/memory.stat`]: STAT_V2,
    [`${V2}/system.slice/memory.max`]: `${600 * MIB}\n`,
    [`${V2}/system.slice/db.service/memory.stat`]: STAT_V2,
    [`${V2}/system.slice/db.service/memory.max`]: "max\n",
    [`${V2}/system.slice/db.service/memory.swap.current`]: "4096\n",
    [`${V2}/system.slice/db.service/memory.pressure`]: "some avg10=1.50 avg60=0.00 avg300=0.00 total=1\n",
    [`${V2}/system.slice/db.service/memory.events`]: "high 0\nmax 1\noom 0\noom_kill 0\n",
  });
}

describe("the system", () => {
  it("uses what is not available", () => {
    const { files } = new Tree({ "proc/vmstat": "nr_free_pages 4\noom_kill 3\n" });
    expect(new SystemSource(files).read()).toEqual({
      usedBytes: 600 * MIB,
      totalBytes: 1000 * MIB,
      swapBytes: 2 * MIB,
      psiMillipercent: null,
      counts: { oom: null, oomKills: 3, high: null },
    });
  });
});

describe("a cgroup of version 2", () => {
  it.each([
    "system.slice/db.service",
    "/system.slice/db.service",
    "/sys/fs/cgroup/system.slice/db.service",
    "/sys/fs/cgroup/system.slice/db.service/",
  ])("is found as %s, with the tightest limit above it", (path) => {
    const source = new CgroupSource(treeV2().files, path);
    expect(source.name).toBe("cgroup /system.slice/db.service");
    expect(source.limitIs).toBe("its limit");
    expect(source.read()).toEqual({
      usedBytes: 312 * MIB,
      totalBytes: 600 * MIB,
      swapBytes: 4096,
      psiMillipercent: 1500,
      counts: { oom: 0, oomKills: 0, high: 0 },
    });
  });

  it("at the root has all of the machine", () => {
    const source = new CgroupSource(treeV2().files, "/");
    expect(source.read()).toMatchObject({ totalBytes: 1000 * MIB, swapBytes: null, psiMillipercent: null });
  });

  it("sees its limit change, and its end", () => {
    const tree = treeV2();
    const source = new CgroupSource(tree.files, "system.slice/db.service");
    tree.write({ [`${V2}/system.slice/db.service/memory.max`]: `${400 * MIB}\n` });
    expect(source.read()).toMatchObject({ totalBytes: 400 * MIB });
    tree.remove(`${V2}/system.slice/db.service`);
    expect(source.read()).toEqual({ ended: "cgroup /system.slice/db.service is gone" });
  });

  it("that is not there, or has no memory controller, is said to be so", () => {
    const tree = treeV2();
    expect(() => new CgroupSource(tree.files, "nope")).toThrow(/there is no cgroup nope/);
    expect(() => new CgroupSource(tree.files, "../../etc")).toThrow(/there is no cgroup/);
    tree.write({ [`${V2}/bare/cgroup.procs`]: "" });
    expect(() => new CgroupSource(tree.files, "bare")).toThrow(/no memory\.stat/);
    const none = new Tree({ "proc/self/mountinfo": "22 1 0:20 / /proc rw - proc proc rw\n" });
    expect(() => new CgroupSource(none.files, "bare")).toThrow(/no cgroup file system/);
  });
});

describe("a cgroup of version 1", () => {
  it("takes the limit that holds for it, and that of the machine where it has none", () => {
    const at = "sys/fs/cgroup/memory";
    const text = (limit: string): string =>
      `rss 1\ntotal_rss ${20 * MIB}\ntotal_shmem ${MIB}\ntotal_swap 0\nhierarchical_memory_limit ${limit}\n`;
    const tree = new Tree({
      "proc/self/mountinfo": MOUNTS_V1,
      [`${at}/memory.stat`]: text("9223372036854771712"),
      [`${at}/db/memory.stat`]: text(String(64 * MIB)),
      [`${at}/db/memory.limit_in_bytes`]: "9223372036854771712\n",
      [`${at}/db/memory.oom_control`]: "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    });
    const source = new CgroupSource(tree.files, "db");
    expect(source.read()).toEqual({
      usedBytes: 21 * MIB,
      totalBytes: 64 * MIB,
      swapBytes: 0,
      psiMillipercent: null,
      counts: { oom: null, oomKills: 2, high: null },
    });
    expect(new CgroupSource(tree.files, "/").read()).toMatchObject({ totalBytes: 1000 * MIB });
  });
});

describe("a process", () => {
  const proc = (anonKib: number, start = 77, state?: string): Record<string, string> => ({
    "proc/42/status": status("redis", anonKib, state),
    "proc/42/stat": stat("redis", start),
    "proc/42/cgroup": "0::/system.slice/db.service\n",
  });

  it("has its resident memory, and the limit of the cgroup it is in", () => {
    const tree = treeV2();
    tree.write(proc(5000));
    const source = new ProcessSource(tree.files, 42);
    expect(source.name).toBe("process 42 (redis)");
    expect(source.limitIs).toBe("the limit of its cgroup /system.slice/db.service");
    expect(source.read()).toEqual({
      usedBytes: 5100 * 1024,
      totalBytes: 600 * MIB,
      swapBytes: 12 * 1024,
      psiMillipercent: 1500,
    });
  });

  it("without cgroups has the memory of the machine", () => {
    const tree = new Tree(proc(5000));
    const source = new ProcessSource(tree.files, 42);
    expect(source.limitIs).toBe("MemTotal");
    expect(source.read()).toMatchObject({ totalBytes: 1000 * MIB });
  });

  it("ends when it is gone, a zombie, or another one of its number", () => {
    const tree = new Tree(proc(5000));
    const source = new ProcessSource(tree.files, 42);
    tree.write(proc(5000, 77, "Z (zombie)"));
    expect(source.read()).toEqual({ ended: "process 42 (redis) has ended" });
    tree.write({ ...proc(5000, 99), "proc/42/status": status("bash", 100) });
    expect(source.read()).toEqual({
      ended: "process 42 (redis) has ended, and its number belongs to another process now (bash)",
    });
    tree.remove("proc/42");
    expect(source.read()).toEqual({ ended: "process 42 (redis) has ended" });
  });

  it("that is not there, or a kernel thread, is refused", () => {
    const tree = new Tree({});
    expect(() => new ProcessSource(tree.files, 42)).toThrow(/no process 42/);
    tree.write({
      "proc/42/status": "Name:\tkworker\nState:\tI (idle)\nThreads:\t1\n",
      "proc/42/stat": stat("kworker", 5),
    });
    expect(() => new ProcessSource(tree.files, 42)).toThrow(/kernel thread/);
  });

  it("whose file is cut off once is asked again", () => {
    const tree = new Tree(proc(5000));
    const source = new ProcessSource(tree.files, 42);
    tree.write({ "proc/42/status": "Name:\tre" });
    expect(() => source.read()).toThrow(/proc\/42\/status: it is cut off/);
    tree.write(proc(6000));
    expect(source.read()).toMatchObject({ usedBytes: 6100 * 1024 });
  });
});

it("a machine whose meminfo changes is followed", () => {
  const tree = new Tree({});
  const source = new SystemSource(tree.files);
  tree.write({
    "proc/meminfo": meminfo(2000, 100),
    "proc/pressure/memory": "some avg10=0.07 avg60=0 avg300=0 total=0\n",
  });
  expect(source.read()).toMatchObject({ usedBytes: 1900 * MIB, totalBytes: 2000 * MIB, psiMillipercent: 70 });
});

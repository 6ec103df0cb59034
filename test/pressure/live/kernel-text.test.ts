import { describe, expect, it } from "vitest";
import {
  parseCgroupMounts,
  parseCgroupStat,
  parseCgroupStatV1,
  parseKernelCounts,
  parseLimit,
  parseMeminfo,
  parseMemoryPressure,
  parseOwnCgroups,
  parseProcessStatus,
  parseStartTicks,
} from "../../../src/pressure/live/kernel-text.js";
import { MIB, MOUNTS_V1, MOUNTS_V2, meminfo, stat, status } from "./tree.js";

describe("/proc/meminfo", () => {
  it("gives what there is, what could be had and the swap in use", () => {
    expect(parseMeminfo(meminfo(1000, 400), "meminfo")).toEqual({
      totalBytes: 1000 * MIB,
      availableBytes: 400 * MIB,
      swapUsedBytes: 2 * MIB,
    });
  });

  it("of an old kernel counts free memory and page cache, but not shared memory in it", () => {
    const old = meminfo(1000, 400).replace(/^MemAvailable.*\n/m, "");
    expect(parseMeminfo(old, "meminfo").availableBytes).toBe((1024 + 1024 + 2048 - 512) * 1024);
  });

  it("without swap says so", () => {
    expect(parseMeminfo("MemTotal: 10 kB\nMemAvailable: 5 kB\n", "meminfo").swapUsedBytes).toBeNull();
  });

  it.each([
    ["", /no MemTotal/],
    ["MemTotal: 0 kB\nMemAvailable: 0 kB\n", /no MemTotal/],
    ["MemTotal: 10 kB\n", /neither MemAvailable/],
    ["MemTotal: 10 kB\nMemAvailable: 11 kB\n", /more memory is available than there is/],
  ])("that makes no sense is refused: %j", (text, complaint) => {
    expect(() => parseMeminfo(text, "/proc/meminfo")).toThrow(complaint);
    expect(() => parseMeminfo(text, "/proc/meminfo")).toThrow(/^\/proc\/meminfo: /);
  });
});

describe("pressure stall information", () => {
  it.each([
    ["some avg10=0.15 avg60=1.00 avg300=0.00 total=9\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=0\n", 150],
    ["some avg10=100.00 avg60=0.00 avg300=0.00 total=9\n", 100_000],
    ["", null],
    ["full avg10=9.00\n", null],
  ])("%j", (text, expected) => {
    expect(parseMemoryPressure(text)).toBe(expected);
  });
});

describe("/proc/PID/status", () => {
  it("counts resident anonymous and shared memory, not that of files", () => {
    expect(parseProcessStatus(status("postgres: writer", 5000), "status")).toEqual({
      name: "postgres: writer",
      ended: false,
      usedBytes: 5100 * 1024,
      swapBytes: 12 * 1024,
    });
  });

  it("of a kernel before 4.5 counts all that is resident", () => {
    const old = status("a", 5000).replace(/^Rss.*\n/gm, "");
    expect(parseProcessStatus(old, "status").usedBytes).toBe(8000 * 1024);
  });

  it("of a zombie says that it has ended, of a kernel thread that it has no memory", () => {
    const bare = "Name:\ta\nState:\tZ (zombie)\nThreads:\t1\n";
    expect(parseProcessStatus(bare, "status")).toMatchObject({ ended: true, usedBytes: null });
    const kernel = "Name:\tkworker/0:1\nState:\tI (idle)\nThreads:\t1\n";
    expect(parseProcessStatus(kernel, "status")).toMatchObject({ ended: false, usedBytes: null });
  });

  it("that is cut off is no process without memory", () => {
    expect(() => parseProcessStatus("Name:\ta\nState:\tS (sleeping)\nTgid:\t4", "status")).toThrow(/cut off/);
    expect(() => parseProcessStatus("", "status")).toThrow(/cut off/);
  });
});

describe("/proc/PID/stat", () => {
  it("gives the start, whatever the name contains", () => {
    expect(parseStartTicks(stat("a", 77), "stat")).toBe(77);
    expect(parseStartTicks(stat("a) R 1 (b", 77), "stat")).toBe(77);
  });

  it("that is cut off is refused", () => {
    expect(() => parseStartTicks("42 (a) S 1 42", "stat")).toThrow(/cut off/);
  });
});

describe("memory.stat", () => {
  it("of version 2 leaves page cache and reclaimable slab out", () => {
    const text =
      "anon 1000\nfile 900000\nkernel 5000\nkernel_stack 16\npagetables 32\nshmem 200\nslab_reclaimable 70000\nslab_unreclaimable 64\n";
    expect(parseCgroupStat(text, "memory.stat").usedBytes).toBe(1000 + 200 + 64 + 16 + 32);
  });

  it("of version 2 on an old kernel takes what there is", () => {
    expect(parseCgroupStat("anon 1000\nfile 5\nshmem 7\n", "memory.stat").usedBytes).toBe(1007);
  });

  it("of version 1 counts children too, and knows limit and swap", () => {
    const text =
      "cache 9\nrss 5\nshmem 1\nhierarchical_memory_limit 4096\ntotal_cache 900\ntotal_rss 50\ntotal_shmem 10\ntotal_swap 3\n";
    expect(parseCgroupStatV1(text, "memory.stat")).toEqual({ usedBytes: 60, swapBytes: 3, limitBytes: 4096 });
  });

  it("of the other version is refused", () => {
    expect(() => parseCgroupStat("rss 5\n", "/x/memory.stat")).toThrow(/^\/x\/memory.stat: .*anonymous/);
    expect(() => parseCgroupStatV1("anon 5\n", "/x/memory.stat")).toThrow(/anonymous/);
  });
});

describe("limits and events", () => {
  it("`max` is no limit, and what is no number no size", () => {
    expect(parseLimit("max\n", "f")).toBeNull();
    expect(parseLimit("4096\n", "f")).toBe(4096);
    expect(() => parseLimit("", "/x/memory.max")).toThrow(/memory.max: "" is no size/);
  });

  it("are read of both versions", () => {
    expect(parseKernelCounts("low 0\nhigh 3\nmax 7\noom 2\noom_kill 1\n")).toEqual({
      oom: 2,
      oomKills: 1,
      high: 3,
    });
    expect(parseKernelCounts("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")).toEqual({
      oom: null,
      oomKills: 4,
      high: null,
    });
    expect(parseKernelCounts("")).toEqual({ oom: null, oomKills: null, high: null });
  });
});

describe("where cgroups are", () => {
  it("is found in mountinfo, a controller of version 1 before the unified tree", () => {
    expect(parseCgroupMounts(MOUNTS_V2)).toEqual([{ version: 2, mountPoint: "/sys/fs/cgroup", group: "/" }]);
    expect(parseCgroupMounts(MOUNTS_V1).map(({ version, mountPoint }) => [version, mountPoint])).toEqual([
      [1, "/sys/fs/cgroup/memory"],
      [2, "/sys/fs/cgroup/unified"],
    ]);
    expect(parseCgroupMounts("1 2 0:3 /docker/a\\040b /x\\040y rw - cgroup2 cgroup2 rw\n")[0]).toMatchObject({
      mountPoint: "/x y",
      group: "/docker/a b",
    });
  });

  it("is told by /proc/PID/cgroup", () => {
    expect(parseOwnCgroups("9:cpu,cpuacct:/a\n4:memory:/db\n0::/u\n")).toEqual([
      { version: 1, group: "/db" },
      { version: 2, group: "/u" },
    ]);
  });
});

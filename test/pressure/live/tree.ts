import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { KernelFiles } from "../../../src/pressure/live/kernel-files.js";

/** A /proc and a /sys/fs/cgroup of a test's own. */
export class Tree {
  readonly root = mkdtempSync(join(tmpdir(), "kernel-"));
  readonly files = new KernelFiles(this.root);

  constructor(texts: Readonly<Record<string, string>>) {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
    this.write({ "proc/meminfo": meminfo(1000, 400), ...texts });
  }

  write(texts: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(join(this.root, dirname(path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }
}

export const MIB = 1024 ** 2;

export const meminfo = (totalMib: number, availableMib: number): string =>
  `MemTotal:       ${totalMib * 1024} kB\nMemFree:         1024 kB\nMemAvailable:   ${availableMib * 1024} kB\n` +
  "Buffers:            1024 kB\nCached:          2048 kB\nSwapTotal:       10240 kB\nSwapFree:         8192 kB\nShmem:            512 kB\n";

export const status = (name: string, anonKib: number, state = "S (sleeping)"): string =>
  `Name:\t${name}\nUmask:\t0022\nState:\t${state}\nTgid:\t42\nPid:\t42\nVmPeak:\t  900000 kB\nVmRSS:\t  ${anonKib + 3000} kB\n` +
  `RssAnon:\t  ${anonKib} kB\nRssFile:\t    2900 kB\nRssShmem:\t     100 kB\nVmSwap:\t      12 kB\nThreads:\t3\n`;

/** Field 22 is the start. */
export const stat = (name: string, startTicks: number): string =>
  `42 (${name}) S 1 42 42 0 -1 4194304 100 0 0 0 5 5 0 0 20 0 3 0 ${startTicks} 900000000 3000 18446744073709551615\n`;

export const MOUNTS_V2 =
  "22 1 0:20 / /proc rw - proc proc rw\n31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
export const MOUNTS_V1 =
  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

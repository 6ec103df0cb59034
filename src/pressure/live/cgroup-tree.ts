import { posix } from "node:path";
import { UserError } from "../../errors.js";
import type { KernelFiles } from "./kernel-files.js";
import {
  type CgroupMount,
  parseCgroupMounts,
  parseCgroupStatV1,
  parseLimit,
  parseOwnCgroups,
} from "./kernel-text.js";

/** A memory cgroup in the file system. */
export interface CgroupFolder {
  readonly version: 1 | 2;
  /** From the root, without it: `sys/fs/cgroup/system.slice`. */
  readonly folder: string;
  /** As the hierarchy names it: `/system.slice`. */
  readonly group: string;
  /** Where its hierarchy is mounted. */
  readonly top: string;
}

// A version that was not switched on everywhere has no file of the controller.
const LIMIT_FILE = { 1: "memory.limit_in_bytes", 2: "memory.max" } as const;

const within = (mount: CgroupMount, group: string): string | undefined => {
  // Inside of a container the mount begins at the container's own group.
  const relative = posix.relative(mount.group, group);
  return relative.startsWith("..") ? undefined : posix.join(mount.mountPoint, relative);
};

function mounts(files: KernelFiles): CgroupMount[] {
  const text = files.readIfThere("proc/self/mountinfo");
  return text === undefined ? [] : parseCgroupMounts(text);
}

function folderAt(files: KernelFiles, mount: CgroupMount, folder: string): CgroupFolder | undefined {
  if (!files.has(posix.join(folder, "memory.stat"))) return undefined;
  const group = posix.join("/", posix.relative(mount.mountPoint, folder));
  return { version: mount.version, folder, group, top: mount.mountPoint };
}

/** The cgroup that a user means: a folder, or its name in the hierarchy. Throws UserError where there is none. */
export function findCgroup(files: KernelFiles, path: string): CgroupFolder {
  const all = mounts(files);
  if (all.length === 0) {
    throw new UserError("no-cgroups", "no cgroup file system with the memory controller is mounted", {
      remedy: "Watch with --pid, or --system.",
    });
  }
  for (const mount of all) {
    const asFolder = posix.join("/", path);
    const inside = posix.relative(mount.mountPoint, asFolder);
    const folders = [...(inside.startsWith("..") ? [] : [asFolder]), posix.join(mount.mountPoint, path)];
    for (const folder of folders) {
      const found = folderAt(files, mount, folder);
      if (found !== undefined) return found;
      if (files.has(posix.join(folder, "cgroup.procs")) && mount === all.at(-1)) {
        throw new UserError("no-memory-controller", `the cgroup ${files.path(folder)} has no memory.stat`, {
          remedy: `Switch the controller on: echo +memory > ${files.path(posix.dirname(folder), "cgroup.subtree_control")}`,
        });
      }
    }
  }
  const places = all.map(({ mountPoint }) => mountPoint).join(" and ");
  throw new UserError("no-such-cgroup", `there is no cgroup ${path}`, {
    remedy: `Name its folder, or its path below ${places}; systemd-cgls lists them.`,
  });
}

/** The cgroup whose limit holds for a process; undefined where none does. */
export function cgroupOfProcess(files: KernelFiles, pid: number): CgroupFolder | undefined {
  const text = files.readIfThere(`proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const all = mounts(files);
  for (const { version, group } of parseOwnCgroups(text)) {
    for (const mount of all.filter((each) => each.version === version)) {
      const folder = within(mount, group);
      const found = folder === undefined ? undefined : folderAt(files, mount, folder);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The tightest limit of a cgroup and all above it that can be seen; null where none has any. */
export function tightestLimit(files: KernelFiles, cgroup: CgroupFolder): number | null {
  const { version, top } = cgroup;
  let tightest: number | null = null;
  for (let { folder } = cgroup; ; folder = posix.dirname(folder)) {
    const path = posix.join(folder, LIMIT_FILE[version]);
    const text = files.readIfThere(path); // the root of version 2 has none
    const limit = text === undefined ? null : parseLimit(text, files.path(path));
    if (limit !== null) tightest = Math.min(limit, tightest ?? limit);
    if (folder === top || folder === "/" || folder === ".") break;
  }
  if (version === 1) {
    const path = posix.join(cgroup.folder, "memory.stat");
    const text = files.readIfThere(path);
    const told = text === undefined ? null : parseCgroupStatV1(text, files.path(path)).limitBytes;
    if (told !== null) tightest = Math.min(told, tightest ?? told);
  }
  return tightest;
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../errors.js";
import { type Meminfo, parseMeminfo, parseMemoryPressure } from "./kernel-text.js";

/** The kernel's files under a root: `/`, or what a test has made. */
export class KernelFiles {
  constructor(private readonly root = "/") {}

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  has(path: string): boolean {
    return existsSync(this.path(path));
  }

  /** Undefined where it is not there (any more). */
  readIfThere(path: string): string | undefined {
    const file = this.path(path);
    try {
      return readFileSync(file, "utf8");
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      // ESRCH: the process ended between open and read; ENODEV: the cgroup was removed; EOPNOTSUPP: PSI that is switched off.
      if (["ENOENT", "ENOTDIR", "ESRCH", "ENODEV", "EOPNOTSUPP"].includes(code ?? "")) return undefined;
      if (code === "EACCES" || code === "EPERM") {
        throw new UserError("no-permission", `${file} may not be read`, {
          remedy: "Watch as the user who owns it, or as root.",
          cause,
        });
      }
      throw new UserError("unreadable-source", `${file} cannot be read: ${message}`, { cause });
    }
  }

  read(path: string): string {
    const text = this.readIfThere(path);
    if (text !== undefined) return text;
    throw new UserError("unreadable-source", `there is no ${this.path(path)}`, {
      remedy: "Is /proc mounted?",
    });
  }

  meminfo(): Meminfo {
    return parseMeminfo(this.read("proc/meminfo"), this.path("proc/meminfo"));
  }

  /** Null where the kernel counts no pressure. */
  pressure(path: string): number | null {
    const text = this.readIfThere(path);
    return text === undefined ? null : parseMemoryPressure(text);
  }
}

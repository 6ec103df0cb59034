import type { KernelFiles } from "./kernel-files.js";
import { parseKernelCounts } from "./kernel-text.js";
import type { PressureSource, Reading } from "./source.js";

/** The memory of the machine: what is not available counts as used, so that page cache does not. */
export class SystemSource implements PressureSource {
  readonly name = "the system";
  readonly usedIs = "MemTotal − MemAvailable";
  readonly limitIs = "MemTotal";

  constructor(private readonly files: KernelFiles) {
    this.read();
  }

  read(): Reading {
    const { totalBytes, availableBytes, swapUsedBytes } = this.files.meminfo();
    return {
      usedBytes: totalBytes - availableBytes,
      totalBytes,
      swapBytes: swapUsedBytes,
      psiMillipercent: this.files.pressure("proc/pressure/memory"),
      counts: parseKernelCounts(this.files.readIfThere("proc/vmstat") ?? ""),
    };
  }
}

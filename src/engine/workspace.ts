import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../errors.js";

/**
 * A temporary folder (under `$TMPDIR`) that is gone when it is disposed, and at the latest when the process exits.
 * Throws UserError `no-temporary-folder`.
 */
export class Workspace {
  readonly path: string;
  private files = 0;
  private readonly onExit = (): void => this.dispose();

  constructor() {
    try {
      this.path = mkdtempSync(join(tmpdir(), "rustydb-mem-"));
    } catch (cause) {
      throw new UserError(
        "no-temporary-folder",
        `no temporary folder can be made in ${tmpdir()} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
        { remedy: "Set TMPDIR to a folder that can be written to.", cause },
      );
    }
    process.on("exit", this.onExit);
  }

  /** A path in it that nothing has yet: `1.plan`, `2.plan`, … */
  newFile(extension: string): string {
    this.files += 1;
    return join(this.path, `${this.files}.${extension}`);
  }

  /** Plans are large, and several traces may be measured. */
  remove(path: string): void {
    rmSync(path, { force: true });
  }

  dispose(): void {
    process.off("exit", this.onExit);
    rmSync(this.path, { recursive: true, force: true });
  }
}

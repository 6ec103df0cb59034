/**
 * Everything a user can cause. Each error has a code that programs may match and a sentence that says what
 * happened, where, and what to do about it. `run.ts` prints these kindly; anything else is a defect of ours and
 * is printed with its stack.
 */
export class UserError extends Error {
  /** Short, stable, kebab-case: `file-not-found`, `bad-size`. */
  readonly code: string;
  /** What the user can do about it, one sentence; printed on a line of its own. */
  readonly remedy?: string;

  constructor(code: string, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    if (options.remedy !== undefined) this.remedy = options.remedy;
  }

  /** Where it happened, in words: ` at byte 42 of x.rmt`; empty where it has no place. */
  place(): string {
    return "";
  }
}

/** The place of an error in a trace. */
export interface TracePlace {
  readonly file: string;
  readonly byteOffset?: number;
  readonly line?: number;
  readonly event?: number;
}

/** A trace that cannot be read, or does not make sense. */
export class TraceError extends UserError implements TracePlace {
  readonly file: string;
  readonly byteOffset?: number;
  readonly line?: number;
  readonly event?: number;

  constructor(
    code: string,
    message: string,
    place: TracePlace,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.file = place.file;
    if (place.byteOffset !== undefined) this.byteOffset = place.byteOffset;
    if (place.line !== undefined) this.line = place.line;
    if (place.event !== undefined) this.event = place.event;
  }

  override place(): string {
    const parts = [this.file];
    if (this.line !== undefined) parts.push(`line ${this.line}`);
    if (this.byteOffset !== undefined) parts.push(`byte ${this.byteOffset}`);
    if (this.event !== undefined) parts.push(`event ${this.event}`);
    return parts.join(", ");
  }
}

/** A workload file that says something wrong. */
export class WorkloadError extends UserError {
  constructor(
    code: string,
    message: string,
    private readonly at: {
      readonly file: string;
      /** From the root of the YAML, such as `phases[1].weights`; empty: nowhere in particular. */
      readonly path: string;
      readonly line: number;
      readonly column: number;
    },
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
  }

  override place(): string {
    const { file, path, line, column } = this.at;
    return `${file}:${line}:${column}${path === "" ? "" : `: ${path}`}`;
  }
}

/** The place of an error in a file of keys. */
export interface KeyPlace {
  readonly file: string;
  /** 0: it has no place. */
  readonly line: number;
  readonly column: number;
  /** Dotted, such as `pages.fit`; empty: it is about none. */
  readonly key: string;
}

class KeyError extends UserError {
  constructor(
    code: string,
    message: string,
    private readonly at: KeyPlace,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
  }

  override place(): string {
    const { file, line, column, key } = this.at;
    return `${file}${line === 0 ? "" : `:${line}:${column}`}${key === "" ? "" : `: ${key}`}`;
  }
}

/** A configuration file that says something wrong: of the heap, of a watch, or of this tool's options. */
export class ConfigError extends KeyError {}

/** A saved result that cannot be read: no JSON, no result, or one of a newer version. */
export class ResultError extends KeyError {}

/** An allocator that does not exist, or whose library cannot be preloaded. */
export class AllocatorError extends UserError {
  readonly allocator: string;

  constructor(
    code: string,
    allocator: string,
    message: string,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.allocator = allocator;
  }
}

/** A replay process that failed, was killed, or did not speak its language. */
export class ReplayError extends UserError {
  readonly allocator: string;
  /** Number of the trace's event at which the check failed. */
  readonly event?: number;

  constructor(
    code: string,
    allocator: string,
    message: string,
    options: { event?: number; remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.allocator = allocator;
    if (options.event !== undefined) this.event = options.event;
  }

  override place(): string {
    return this.event === undefined ? "" : `event ${this.event}`;
  }
}

/** A command line that makes no sense. */
export class UsageError extends UserError {}

/** The user pressed Ctrl-C, or somebody sent SIGTERM. Not a failure: exit code 130. */
export class Interrupted extends UserError {
  constructor(message = "interrupted") {
    super("interrupted", message);
  }
}

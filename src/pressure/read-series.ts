import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Interrupted, TraceError, UserError } from "../errors.js";
import { native } from "../native.js";
import { TraceInput } from "../trace/input.js";
import { Spool } from "../trace/spool.js";
import { type Unwrapped, unwrap } from "../trace/unwrap.js";
import type { ColumnNames } from "./csv-columns.js";
import type { Series } from "./series.js";
import { readCsvSeries, separatorOf } from "./series-csv.js";
import { isEarlyoom, readEarlyoom } from "./series-earlyoom.js";
import { isPcpBase, isPcpFile, pcpBaseOf, readPcp } from "./series-pcp.js";
import { readTraceSeries } from "./series-trace.js";

const HEAD_BYTES = 4096;

export interface SeriesOptions {
  /** Which columns of a CSV file stand for what; by their headers where left out. */
  readonly columns?: ColumnNames;
  /** How much memory there is, in the place of what the source says. */
  readonly totalBytes?: number;
  /** Stops the reading with `Interrupted`. */
  readonly signal?: AbortSignal;
  /** Called for each file of a folder that is not read, with what is wrong with it. */
  readonly onSkipped?: (path: string, error: UserError) => void;
}

/**
 * Reads the series of a file, by its content: an archive of Performance Co-Pilot (any of its files, or its base name),
 * readings of earlyoom, any trace with samples, or CSV; packed ones too, and `-` for standard input. A folder stands for all
 * series in it. Throws TraceError and UserError.
 */
export async function readSeries(path: string, options: SeriesOptions = {}): Promise<Series[]> {
  const stats = path === "-" ? undefined : await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return readFolder(path, options);
  const base = await archiveBase(path, stats !== undefined);
  if (base !== undefined) return [await readPcp(base, basename(base), options)];
  return [await readFile(path, options)];
}

/** The series of files and folders, one after the other. */
export async function readSeriesFrom(
  paths: readonly string[],
  options: SeriesOptions = {},
): Promise<Series[]> {
  const series: Series[] = [];
  for (const path of paths) series.push(...(await readSeries(path, options)));
  return series;
}

/** The archive that the path names; its data may be packed as the PCP tools read it, hence the look at the names first. */
async function archiveBase(path: string, exists: boolean): Promise<string | undefined> {
  if (path === "-") return undefined;
  const base = exists ? pcpBaseOf(path) : path;
  return base !== undefined && (await isPcpBase(base)) ? base : undefined;
}

async function readFile(path: string, options: SeriesOptions): Promise<Series> {
  const input = await TraceInput.open(path);
  const stop = (): void => input.interrupt();
  options.signal?.addEventListener("abort", stop);
  let unwrapped: Unwrapped | undefined;
  try {
    unwrapped = await unwrap(input.read(), { file: path, ...(input.regular && { regular: input.regular }) });
    return await readUnwrapped(unwrapped, input, options);
  } catch (error) {
    throw options.signal?.aborted ? new Interrupted() : error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await unwrapped?.close();
    await input.close();
  }
}

async function readUnwrapped(
  unwrapped: Unwrapped,
  input: TraceInput,
  options: SeriesOptions,
): Promise<Series> {
  const { path, name } = input;
  const { totalBytes, signal } = options;
  const { head, bytes } = await withHead(unwrapped.bytes);
  if (head.length === 0) throw new TraceError("empty", "the file is empty", { file: path });
  if (isPcpFile(head)) {
    throw new TraceError(
      "lone-archive-file",
      "this is one file of an archive of Performance Co-Pilot, and its others are not beside it",
      { file: path },
      { remedy: "Keep its .meta and .index beside it, under their names." },
    );
  }
  const text = head.toString("utf8").replace(/^\ufeff/, "");
  const separator = head.includes(0) ? undefined : separatorOf(text.trimStart().split(/\r?\n/)[0] ?? "");
  const plain = readable(bytes, unwrapped, path, signal);
  const total = totalBytes === undefined ? {} : { totalBytes };
  if (isEarlyoom(text)) return readEarlyoom(plain, path, name, totalBytes);
  if (native().detectFormat(head) !== null) return readTrace(plain, input, unwrapped, options);
  if (separator === undefined) {
    throw new TraceError(
      "not-a-series",
      "this is no series of memory readings",
      { file: path },
      {
        remedy:
          "Known are traces with samples, CSV with a header row, archives of Performance Co-Pilot, and readings of earlyoom.",
      },
    );
  }
  const source = { file: path, names: options.columns ?? {}, ...total };
  return readCsvSeries(plain, separator, source, name, csvOrigin(path));
}

/** A file is read again by the reader of traces; what comes through a pipe is kept in a file for it. */
async function readTrace(
  bytes: AsyncIterable<Uint8Array>,
  input: TraceInput,
  unwrapped: Unwrapped,
  options: SeriesOptions,
): Promise<Series> {
  if (input.regular !== undefined) return readTraceSeries(input.path, options);
  const spool = await Spool.from(bytes);
  try {
    await unwrapped.close();
    return { ...(await readTraceSeries(spool.path, options)), name: input.name };
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    const { code, message, remedy, cause } = error;
    const place = { ...error, file: input.path };
    throw new TraceError(code, message, place, { cause, ...(remedy !== undefined && { remedy }) });
  } finally {
    await spool.close();
  }
}

/** The whole of a text: one that is cut off could end in the middle of a number. */
async function* readable(
  bytes: AsyncIterable<Uint8Array>,
  unwrapped: Unwrapped,
  file: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    if (signal?.aborted) throw new Interrupted();
    yield piece;
  }
  if (unwrapped.cutOff === undefined) return;
  throw new TraceError(
    "truncated",
    `the ${unwrapped.cutOff} stream is cut off`,
    { file },
    {
      remedy: "Get the whole file.",
    },
  );
}

/** Readings of one folder are of one kind, as far as anybody knows. */
const csvOrigin = (path: string): string =>
  path === "-" ? "csv" : `csv:${basename(dirname(resolve(path))) || "/"}`;

/** The first bytes of a stream (fewer where it has no more), and the whole of it. */
async function withHead(
  source: AsyncGenerator<Uint8Array>,
): Promise<{ head: Buffer; bytes: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  for (let length = 0; length < HEAD_BYTES; ) {
    const next = await source.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(first.map((piece) => piece.subarray(0, HEAD_BYTES))).subarray(0, HEAD_BYTES);
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* first.splice(0);
    yield* source;
  }
  return { head, bytes: whole() };
}

/** All series in a folder and those in it. What is none is handed to `onSkipped`; a folder with none at all is an error. */
async function readFolder(folder: string, options: SeriesOptions): Promise<Series[]> {
  const series: Series[] = [];
  let first: UserError | undefined;
  for (const path of await sourcesIn(folder)) {
    try {
      for (const read of await readSeries(path, options))
        series.push({ ...read, name: relative(folder, path) });
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof Interrupted) throw error;
      first ??= error;
      options.onSkipped?.(path, error);
    }
  }
  if (series.length > 0) return series;
  const why = first === undefined ? "it has no file" : `of ${first.place() || "one file"}: ${first.message}`;
  throw new TraceError("no-series", `the folder has no series in it (${why})`, { file: folder });
}

/** The files of a folder in order of their names, and the archives in the place of their files. */
async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sources = new Set<string>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const base = pcpBaseOf(path);
    sources.add(base !== undefined && (await isPcpBase(base)) ? base : path);
  }
  return [...sources].sort();
}

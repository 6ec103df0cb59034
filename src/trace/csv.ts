import { type CsvError, parse } from "csv-parse";
import { TraceError } from "../errors.js";
import { drive } from "./drive.js";

/** What the native importer takes between fields and after rows. No number and no name of ours contains them. */
const FIELD_END = "\x1f";
const ROW_END = "\x1e";
// A quote that is never closed would otherwise swallow the whole file before anyone notices.
const MAX_ROW_BYTES = 64 * 1024;

/**
 * Splits CSV into rows for the native importer: fields joined by 0x1f, every row, the header row first, ended by 0x1e.
 * Throws TraceError `bad-csv` with the line.
 */
export async function* splitCsv(source: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  const parser = parse({ bom: true, skip_empty_lines: true, max_record_size: MAX_ROW_BYTES });
  try {
    for await (const rows of drive<string[]>(withoutSeparators(source, file), parser)) {
      let text = "";
      for (const row of rows) text += row.join(FIELD_END) + ROW_END;
      yield Buffer.from(text);
    }
  } catch (error) {
    if (error instanceof TraceError || !isCsvError(error)) throw error;
    const line = typeof error.lines === "number" ? { line: error.lines } : {};
    throw new TraceError(
      "bad-csv",
      `a row is no CSV: ${explain(error)}`,
      { file, ...line },
      { cause: error },
    );
  }
}

async function* withoutSeparators(
  source: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for await (const chunk of source) {
    for (const separator of [FIELD_END, ROW_END]) {
      const at = chunk.indexOf(separator.charCodeAt(0));
      if (at >= 0) {
        const shown = `0x${separator.charCodeAt(0).toString(16)}`;
        throw new TraceError("bad-csv", `a field contains the control character ${shown}`, {
          file,
          byteOffset: offset + at,
        });
      }
    }
    offset += chunk.length;
    yield chunk;
  }
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string" && "lines" in error;
}

function explain(error: CsvError): string {
  switch (error.code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH":
      return "it has another number of fields than the header row";
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quote is opened and never closed";
    case "CSV_MAX_RECORD_SIZE":
      return "it is longer than 64 KiB, perhaps because of a quote that is never closed";
    default:
      return error.message;
  }
}

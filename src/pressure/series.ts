import type { SeriesColumns } from "../native/pressure.js";

/** Readings of memory over time. */
export interface Series {
  /** As reports call it: the file's name, with what of it where it holds several. */
  readonly name: string;
  /** What is pooled with what: the format and kind of the source, such as `pcp` or the folder of the file. */
  readonly origin: string;
  readonly columns: SeriesColumns;
  /** What was odd about the source, in sentences: readings out of order left out, gaps, units taken for granted. */
  readonly notes: readonly string[];
}

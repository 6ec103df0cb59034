/** Readings of memory over time. */

/** The columns of a series, all of one length. Not known is NaN. */
export interface SeriesColumns {
  /** Seconds since the first reading; increasing. */
  readonly timeS: Float64Array;
  readonly usedBytes: Float64Array;
  /** What there is of it in all: NaN where the source does not say. */
  readonly totalBytes: Float64Array;
  readonly swapBytes: Float64Array;
  /** Memory pressure, `some avg10`, in percent. */
  readonly psiPercent: Float64Array;
  /** All that was allocated and freed so far, from any start. */
  readonly allocatedBytes: Float64Array;
  readonly freedBytes: Float64Array;
}

export interface Series {
  /** As reports call it: the file's name, with what of it where it holds several. */
  readonly name: string;
  /** What is pooled with what: the format and kind of the source, such as `pcp` or the folder of the file. */
  readonly origin: string;
  readonly columns: SeriesColumns;
  /** What was odd about the source, in sentences: readings out of order left out, gaps, units taken for granted. */
  readonly notes: readonly string[];
}

import type { TraceProfile } from "../measure/measurement-profile.js";
import type { Distribution } from "../native.js";
import { rankCallSites } from "../trace/call-sites.js";
import { type RunProgress, runTrace, type TraceSource } from "../trace/source.js";

const KINDS = 20;
const CALL_SITES = 20;
const FRAMES = 12;

function lifetimes({ count, p50, p90, p99, max, byBitWidth }: Distribution): TraceProfile["lifetimeEvents"] {
  return { blocks: count, p50, p90, p99, max, blocksByBits: [...byBitWidth] };
}

/**
 * What a trace holds: one more pass over it. Not for standard input, which comes once. Throws TraceError for what is wrong with the
 * trace, Interrupted when the signal came.
 */
export async function profileTrace(
  source: TraceSource,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: RunProgress) => void } = {},
): Promise<TraceProfile> {
  const { analysis, callSites, callTable, header } = await runTrace(
    source,
    { kind: "inspect", callSites: true },
    options,
  );
  if (analysis === null) throw new Error("the pipeline ended without an analysis");
  const { sizes, lifetimeEvents, lifetimeNs, peak } = analysis;
  const ranking = callSites ? rankCallSites(callSites, callTable, header.stackBytes, CALL_SITES) : undefined;
  return {
    blocks: sizes.count,
    bytes: analysis.requestedBytes,
    sizes: {
      p50: sizes.p50,
      p90: sizes.p90,
      p99: sizes.p99,
      max: sizes.max,
      blocksByBits: [...sizes.byBitWidth],
      bytesByBits: [...sizes.bytesByBitWidth],
      peakBytesByBits: [...sizes.peakBytesByBitWidth],
    },
    lifetimeEvents: lifetimes(lifetimeEvents),
    lifetimeNs: lifetimeNs === null ? null : lifetimes(lifetimeNs),
    peak: { event: peak.event, liveBytes: peak.liveBytes, liveBlocks: peak.liveBlocks },
    kinds: analysis.kinds
      .filter(({ kind, births }) => kind !== "" && births > 0)
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, KINDS)
      .map(({ kind, births, bytes, peakLiveBytes }) => ({
        kind,
        blocks: births,
        bytes,
        peakBytes: peakLiveBytes,
      })),
    ...(ranking === undefined || ranking.stackBytes === null
      ? {}
      : {
          callSites: {
            stackBytes: ranking.stackBytes,
            stacks: ranking.samples,
            sites: ranking.sites,
            atPeak: ranking.byPeakBytes.map(({ frames, samples, peakBytes, peakBlocks }) => ({
              frames: frames.slice(0, FRAMES),
              stacks: samples,
              bytes: peakBytes,
              blocks: peakBlocks,
            })),
          },
        }),
  };
}

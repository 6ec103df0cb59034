import type { WatchView } from "../pressure/live/watcher.js";
export async function openWatchView(_o: unknown): Promise<WatchView> {
  throw new Error("todo");
}

/** Makes garbage of which some lives for a while, and keeps a cache that grows and is dropped. Goes on until it is stopped. */
let state = Number(process.argv[2] ?? 1) >>> 0;

/** Uniform below 1. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

const tickMs = 100;
const cache = new Map();
const requests = [];
let dropAt = 0;
let key = 0;
let tick = 0;

const record = (size) => ({
  text: "x".repeat(8) + key,
  numbers: Array.from({ length: size }, () => random()),
});

setInterval(() => {
  tick += 1;
  const load = 1 + 0.7 * Math.sin(tick / 700) + (random() < 0.02 ? 4 : 0);
  for (let count = 0; count < 12 * load; count += 1) {
    key += 1;
    requests.push(record(2000));
    if (random() < 0.25) cache.set(key, record(2500));
  }
  // Requests live for some seconds, which is long enough to reach the old generation.
  requests.splice(0, Math.max(0, requests.length - 2500));
  if (tick >= dropAt) {
    cache.clear();
    dropAt = tick + ((180 + 240 * random()) * 1000) / tickMs;
  }
}, tickMs);

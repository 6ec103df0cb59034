import { writeFileSync } from "node:fs";

const columns =
  "time_ns,thread,event,id,new_id,size,align,zeroed,scope,dies_with_scope,parent,inherit,kind,text,used,total";

/** A CSV trace: two threads, transactions with a savepoint, foreign frees, a realloc, some blocks left over, large ones among them. */
export function writeSmallTrace(path: string, transactions = 200): void {
  const width = columns.split(",").length;
  const rows = [columns];
  let block = 0;
  let time = 0;
  const add = (row: Record<string, number | string>): void => {
    time += 100;
    const fields: Record<string, number | string> = { time_ns: time, ...row };
    rows.push(
      columns
        .split(",")
        .map((name) => fields[name] ?? "")
        .join(","),
    );
  };
  // Large, and alive throughout: the order in which the threads run changes little of the whole.
  for (let n = 0; n < 40; n += 1) {
    block += 1;
    add({ thread: 0, event: "alloc", id: block, size: 400_000, kind: "cache" });
  }
  for (let n = 0; n < transactions; n += 1) {
    const thread = n % 2;
    const [outer, inner] = [2 * n + 1, 2 * n + 2];
    const first = block + 1;
    add({ thread, event: "begin", id: outer, kind: "payment" });
    for (let i = 0; i < 10; i += 1) {
      block += 1;
      add({
        thread,
        event: "alloc",
        id: block,
        size: 16 + ((n * 37 + i * 101) % 2000),
        scope: outer,
        kind: "row",
      });
    }
    add({ thread, event: "begin", id: inner, parent: outer });
    block += 1;
    add({ thread, event: "alloc", id: block, size: 30_000, scope: inner, dies_with_scope: 1, kind: "lob" });
    add({ thread, event: "abort", id: inner });
    block += 1;
    add({ thread, event: "realloc", id: first, new_id: block, size: 5000, kind: "row" });
    for (let i = 1; i < 8; i += 1) add({ thread, event: "free", id: first + i });
    add({ thread, event: "commit", id: outer });
    // The other thread frees one of the three that outlive the transaction; one of the others stays for good.
    add({ thread: 1 - thread, event: "free", id: first + 8 });
    if (n % 4 !== 0) add({ thread, event: "free", id: block });
    add({ thread, event: "free", id: first + 9 });
  }
  if (rows.some((row) => row.split(",").length !== width)) throw new Error("a row of another width");
  writeFileSync(path, `${rows.join("\n")}\n`);
}

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { measureBatch, type Program, scaled } from "./program.js";

const iterations = 300;
const environments: Readonly<Record<string, readonly string[]>> = {
  "json, dict": [],
  "json, dict, PYTHONMALLOC=malloc": ["env", "PYTHONMALLOC=malloc"],
};

const script = `import json, random, re, sys
random.seed(1)
rows = [{"id": i, "name": "n%d" % (i * 7919 % 1009), "tags": ["t%d" % (i % k) for k in (3, 5, 7)],
         "text": "x" * (i % 300), "value": i / 7} for i in range(800)]
total = 0
for n in range(int(sys.argv[1])):
    text = json.dumps(rows)
    back = json.loads(text)
    groups = {}
    for row in back:
        groups.setdefault(row["name"], []).append(row["text"] + row["tags"][n % 3])
    total += sum(len("".join(group)) for group in groups.values())
    total += len(re.findall(r"t[0-4]", text)) + len(sorted(groups))
    rows[random.randrange(len(rows))]["text"] = "y" * random.randrange(1000)
print(total)
`;

export const python: Program = {
  name: "python",
  packages: ["python3"],
  needs: ["python3"],
  loads: Object.keys(environments).map((name) => ({
    name,
    operation: "iteration",
    what:
      `python3 writes and reads 800 records of JSON, groups and sorts them, ${iterations} times` +
      (name.includes("MALLOC") ? ", without its own allocator of small objects" : ""),
  })),
  version: async (session) => (await session.run("/usr/bin/python3", ["--version"])).trim(),

  async prepare(session, size) {
    const path = join(session.folder, "load.py");
    writeFileSync(path, script);
    const count = scaled(iterations, size, 10);
    return (load, launch) => {
      const words = [...(environments[load] ?? []), "/usr/bin/python3", "-s", path, String(count)];
      return measureBatch(session, launch, words, count);
    };
  },
};

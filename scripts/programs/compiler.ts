import { join } from "node:path";
import { packageRoot } from "../../src/native.js";
import { measureBatch, type Program } from "./program.js";

const source = "native/replay/planner.cc";

/** Words that compile a larger file of this project. */
export const compilerWords = (object: string, optimise = "-O2"): readonly string[] => [
  ...[
    "g++",
    "-std=c++20",
    optimise,
    "-I",
    `${packageRoot}native`,
    "-c",
    `${packageRoot}${source}`,
    "-o",
    object,
  ],
];

export const compiler: Program = {
  name: "g++",
  packages: ["g++"],
  needs: ["g++"],
  loads: [{ name: "compile", operation: "compilation", what: `g++ -O2 of ${source}, whatever the size` }],
  version: async (session) => (await session.run("g++", ["--version"])).split("\n")[0] ?? "g++",

  async prepare(session) {
    return (_, launch) => measureBatch(session, launch, compilerWords(join(session.folder, "compiled.o")), 1);
  },
};

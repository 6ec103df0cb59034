import { posix } from "node:path";
import ts from "typescript";
import { nativeFloors, sourceFloors, sourceUnit } from "./floors.js";

/** Texts of the tree, keyed by path from the root of the repository. */
export type Tree = ReadonlyMap<string, string>;

interface Import {
  readonly specifier: string;
  readonly lazy: boolean;
  readonly typeOnly: boolean;
}

function parse(path: string, text: string): ts.SourceFile {
  const kind = path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, kind);
}

function everyNode(file: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
}

/** Every module a file names: import, export … from, import(), import("…").T, require(). */
function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  everyNode(parse(path, text), (node) => {
    const add = (specifier: ts.Node | undefined, lazy: boolean, typeOnly: boolean): void => {
      if (specifier && ts.isStringLiteralLike(specifier)) {
        found.push({ specifier: specifier.text, lazy, typeOnly });
      }
    };
    if (ts.isImportDeclaration(node)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node.moduleSpecifier, false, typeOnly);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, false, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, false, true);
    } else if (ts.isCallExpression(node)) {
      const callee = node.expression;
      if (callee.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], true, false);
      if (ts.isIdentifier(callee) && callee.text === "require") add(node.arguments[0], false, false);
    }
  });
  return found;
}

const sources = (tree: Tree): [string, string][] =>
  [...tree].filter(([path]) => /^src\/.*\.tsx?$/.test(path));

/** Path from src/ of the file that a relative import names, without its ending: `../units.js` → `units`. */
function target(path: string, specifier: string): string {
  return posix.relative("src", posix.join(posix.dirname(path), specifier)).replace(/\.[jt]sx?$/, "");
}

function sourceFloorViolations(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [path, text] of sources(tree)) {
    const unit = sourceUnit(path.slice("src/".length));
    const allowed = sourceFloors[unit];
    if (!allowed) {
      broken.push(`${path}: ${unit} has no floor; give it a row in test/architecture/floors.ts`);
      continue;
    }
    for (const { specifier } of importsOf(path, text)) {
      if (!specifier.startsWith(".")) continue;
      const used = sourceUnit(`${target(path, specifier)}.ts`);
      if (used !== unit && !allowed.includes(used))
        broken.push(`${path}: ${unit} may not use ${used} (${specifier})`);
    }
  }
  return broken;
}

const packageName = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** Ink and React are the live view's own, and the live view costs nothing to who does not open it. */
function liveViewViolations(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [path, text] of sources(tree)) {
    if (path.startsWith("src/tui/")) continue;
    for (const { specifier, lazy, typeOnly } of importsOf(path, text)) {
      if (["ink", "react"].includes(packageName(specifier)) || specifier.startsWith("@inkjs/")) {
        broken.push(`${path}: only src/tui may import ${specifier}`);
      } else if (specifier.startsWith(".") && sourceUnit(`${target(path, specifier)}.ts`) === "tui") {
        if (!lazy && !typeOnly) broken.push(`${path}: ${specifier} must be imported lazily, with import()`);
      }
    }
  }
  return broken;
}

const ownedByRun = new Set(["argv", "exit", "exitCode"]);

/** Arguments are read, and the exit code is set, in src/run.ts and nowhere else in src/. */
function processViolations(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [path, text] of sources(tree)) {
    if (path === "src/run.ts") continue;
    everyNode(parse(path, text), (node) => {
      const isProcess = (of: ts.Node | undefined): boolean =>
        of !== undefined && (of.getText() === "process" || of.getText() === "globalThis.process");
      const name = ts.isPropertyAccessExpression(node)
        ? node.name.text
        : ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)
          ? node.argumentExpression.text
          : undefined;
      if (name !== undefined && ownedByRun.has(name)) {
        const on = (node as ts.PropertyAccessExpression | ts.ElementAccessExpression).expression;
        if (isProcess(on)) broken.push(`${path}: only src/run.ts may use process.${name}`);
      }
      if (
        ts.isVariableDeclaration(node) &&
        ts.isObjectBindingPattern(node.name) &&
        isProcess(node.initializer)
      ) {
        for (const element of node.name.elements) {
          const taken = (element.propertyName ?? element.name).getText();
          if (ownedByRun.has(taken)) broken.push(`${path}: only src/run.ts may use process.${taken}`);
        }
      }
    });
    for (const { specifier } of importsOf(path, text)) {
      if (/^(node:)?process$/.test(specifier))
        broken.push(`${path}: use the global process, not ${specifier}`);
    }
  }
  return broken;
}

/** The addon has one loader. */
function addonViolations(tree: Tree): string[] {
  return sources(tree)
    .filter(([path, text]) => path !== "src/native.ts" && /rustydb_mem\.node/.test(text))
    .map(([path]) => `${path}: only src/native.ts may load the addon`);
}

function nativeViolations(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [path, text] of tree) {
    const unit = /^native\/([^/]+)\//.exec(path)?.[1];
    if (unit === undefined || !/\.(cc|h)$/.test(path)) continue;
    const allowed = nativeFloors[unit];
    if (!allowed) {
      broken.push(`${path}: native/${unit} has no floor; give it a row in test/architecture/floors.ts`);
      continue;
    }
    for (const [, bracket, name = ""] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)) {
      if (/^(napi|node_api|node_api_types|js_native_api|node|v8|uv)\.h$/.test(name) && unit !== "binding") {
        broken.push(`${path}: only native/binding may include ${name}`);
      }
      const used = name.split("/")[0] ?? "";
      if (bracket === "<") {
        if (used in nativeFloors && name.includes("/") && tree.has(`native/${name}`)) {
          broken.push(`${path}: our own ${name} is included with quotes`);
        }
        continue;
      }
      if (!tree.has(`native/${name}`)) {
        broken.push(`${path}: "${name}" is not written from the root of native/, or is not there`);
      } else if (used !== unit && !allowed.includes(used)) {
        broken.push(`${path}: ${unit} may not use ${used} ("${name}")`);
      }
    }
  }
  return broken;
}

const longestFile = 620;
const catchAll = /(^|\/)(utils?|helpers?|types|common|misc)\.(ts|tsx|mjs|cc|h)$/;

/** A file is about one idea: none is long, none is named for everything. */
function sizeViolations(tree: Tree): string[] {
  const broken: string[] = [];
  for (const [path, text] of tree) {
    const lines = text.split("\n").length;
    if (lines > longestFile)
      broken.push(`${path}: ${lines} lines; split it by ideas (at most ${longestFile})`);
    if (catchAll.test(path)) broken.push(`${path}: name the file for its one idea`);
  }
  return broken;
}

/** Everything in the tree that breaks a rule of ARCHITECTURE.md, a line each. */
export function violations(tree: Tree): string[] {
  return [
    ...nativeViolations(tree),
    ...sourceFloorViolations(tree),
    ...liveViewViolations(tree),
    ...processViolations(tree),
    ...addonViolations(tree),
    ...sizeViolations(tree),
  ];
}

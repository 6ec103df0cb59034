import { readdirSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { AllocatorError, UsageError } from "../errors.js";
import { builtPath } from "./built.js";
import { checkLibrary } from "./elf.js";
import { type HeapConfigFile, readHeapConfig } from "./heap-config.js";

/** What stands behind the loop of the replay process; see native/replay/routes.h. */
export const ROUTES = ["rustydb", "slab", "arena", "large", "malloc", "none"] as const;
export type Route = (typeof ROUTES)[number];

/** One row of a comparison: a route, the library its mallocs go to, and settings. */
export interface Allocator {
  readonly name: string;
  readonly route: Route;
  /** Library to preload; undefined: the malloc of libc. */
  readonly library?: { readonly path: string; readonly realPath: string };
  readonly environment: Readonly<Record<string, string>>;
  /** How its heap is configured, where it is one of ours and was told. */
  readonly config?: HeapConfigFile;
}

interface Peer {
  readonly file: RegExp;
  readonly package: string;
}

/** The general-purpose allocators that Debian packages, and how their files are named. */
const PEERS: Readonly<Record<string, Peer>> = {
  jemalloc: { file: /^libjemalloc\.so\.\d+$/, package: "libjemalloc2" },
  mimalloc: { file: /^libmimalloc\.so\.\d+(\.\d+)*$/, package: "libmimalloc2.0" },
  tcmalloc: { file: /^libtcmalloc_minimal\.so\.\d+$/, package: "libtcmalloc-minimal4" },
  tbbmalloc: { file: /^libtbbmalloc_proxy\.so\.\d+$/, package: "libtbbmalloc2" },
};
const PEER_NAMES: readonly string[] = Object.keys(PEERS);

/** The rustydb heap as a library to preload: called as malloc is, and told neither sizes nor transactions. */
const DROP_IN = "rustydb-malloc";
const DROP_IN_LIBRARY = "librustydb_malloc.so";
/** The routes with a heap of ours. */
const CONFIGURABLE: readonly Route[] = ["rustydb", "slab", "arena", "large"];
/** What the drop-in library reads its configuration by; here it is the setting `config`. */
const CONFIG_VARIABLE = "RUSTYDB_MEM_CONFIG";

/** What `all` stands for, and what runs when nobody says: everything of ours, malloc, and the peers there are. */
const OURS: readonly string[] = ["rustydb", DROP_IN, "slab", "arena", "large", "malloc"];

/** The loop with nothing behind it: its cost is subtracted from every other row. */
export const NONE: Allocator = { name: "none", route: "none", environment: {} };

const MULTIARCH: Readonly<Record<string, string>> = {
  x64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
  riscv64: "riscv64-linux-gnu",
  ppc64: "powerpc64le-linux-gnu",
  s390x: "s390x-linux-gnu",
};

/** Where distributions put shared libraries, most likely first. */
function libraryFolders(): string[] {
  const triplet = MULTIARCH[process.arch];
  const multiarch =
    triplet === undefined ? [] : [`/usr/lib/${triplet}`, `/lib/${triplet}`, `/usr/local/lib/${triplet}`];
  return [...multiarch, "/usr/local/lib", "/usr/lib64", "/usr/lib"];
}

export interface InstalledPeer {
  readonly name: string;
  readonly package: string;
  /** undefined: not installed. */
  readonly path: string | undefined;
}

function findPeer(name: string, peer: Peer, folders: readonly string[]): InstalledPeer {
  for (const folder of folders) {
    let files: string[];
    try {
      files = readdirSync(folder);
    } catch {
      continue; // A folder that this distribution does not have.
    }
    // Of several versions the one with the shortest name is the link that the loader would take.
    const found = files
      .filter((file) => peer.file.test(file))
      .sort((a, b) => a.length - b.length || (a < b ? 1 : -1));
    if (found[0] !== undefined) return { name, package: peer.package, path: join(folder, found[0]) };
  }
  return { name, package: peer.package, path: undefined };
}

/** Every peer this tool knows by name, found or not. */
export function findPeers(folders: readonly string[] = libraryFolders()): InstalledPeer[] {
  return Object.entries(PEERS).map(([name, peer]) => findPeer(name, peer, folders));
}

export interface AllocatorChoice {
  readonly allocators: readonly Allocator[];
  /** Peers that were wished for and are not installed, a sentence each. */
  readonly warnings: readonly string[];
}

/** Splits at commas outside brackets. */
function splitList(text: string): string[] {
  return text
    .split(/,(?![^[]*\])/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** `A=1,B=x:1,y:2` → {A: "1", B: "x:1,y:2"}: a comma separates only where a name and `=` follow. */
function parseEnvironment(spec: string, text: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const part of text.split(/,(?=[A-Za-z_][A-Za-z0-9_]*=)/)) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(part.trim());
    if (!match) {
      throw new AllocatorError("bad-allocator", spec, `"${part}" in "${spec}" is no setting`, {
        remedy: "Write settings as environment variables: jemalloc[MALLOC_CONF=narenas:4].",
      });
    }
    if (match[1] === "LD_PRELOAD") {
      throw new AllocatorError(
        "bad-allocator",
        spec,
        `"${spec}" sets LD_PRELOAD, which names the library itself`,
        {
          remedy: "Write name=/path/lib.so.",
        },
      );
    }
    if (match[1] === CONFIG_VARIABLE) {
      throw new AllocatorError("bad-allocator", spec, `"${spec}" sets ${CONFIG_VARIABLE}`, {
        remedy: `Write config=${match[2]}, which is checked before anything runs.`,
      });
    }
    environment[match[1] as string] = match[2] as string;
  }
  return environment;
}

/** Edits (insert, delete, replace) from one word to the other. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}

function unknown(spec: string, name: string): AllocatorError {
  const known = [...ROUTES, DROP_IN, ...PEER_NAMES, "all"];
  const near = known
    .filter((word) => distance(word, name) <= 2)
    .sort((a, b) => distance(a, name) - distance(b, name));
  return new AllocatorError("unknown-allocator", spec, `there is no allocator "${name}"`, {
    remedy:
      near[0] === undefined
        ? `Known are ${known.join(", ")}; any other library is name=/path/lib.so.`
        : `Did you mean ${near[0]}?`,
  });
}

/** What can be written where an allocator is asked for, without what is not installed. */
export function allocatorNames(): string[] {
  const installed = findPeers().flatMap(({ name, path }) => (path === undefined ? [] : [name]));
  return [...ROUTES, DROP_IN, ...installed, "all"];
}

class Registry {
  private readonly named = new Map<string, NonNullable<Allocator["library"]>>();

  constructor(private readonly peers: readonly InstalledPeer[]) {}

  private library(spec: string, name: string): NonNullable<Allocator["library"]> | undefined {
    if (name.includes("/")) {
      const path = isAbsolute(name) ? name : resolve(name);
      return { path, realPath: checkLibrary(spec, path) };
    }
    const given = this.named.get(name);
    if (given !== undefined) return given;
    if (name === DROP_IN) {
      const path = builtPath(DROP_IN_LIBRARY, "RUSTYDB_MEM_MALLOC");
      return { path, realPath: checkLibrary(spec, path) };
    }
    const peer = this.peers.find((candidate) => candidate.name === name);
    if (peer === undefined) return undefined;
    if (peer.path === undefined) {
      throw new AllocatorError("missing-peer", spec, `${name} is not installed`, {
        remedy: `Install it with: apt-get install ${peer.package}`,
      });
    }
    return { path: peer.path, realPath: checkLibrary(spec, peer.path) };
  }

  /**
   * `[label=](route | library | route@library)[settings]`, a library being a peer, a path or a label given before. Settings are
   * environment variables, and `config=FILE` of our heaps.
   */
  parse(spec: string): Allocator {
    const match = /^([^[\]]*?)(?:\[(.*)\])?$/s.exec(spec);
    if (!match) throw new AllocatorError("bad-allocator", spec, `"${spec}" has brackets that do not match`);
    const { config: configPath, ...environment } =
      match[2] === undefined ? {} : parseEnvironment(spec, match[2]);
    const body = match[1] as string;
    const equals = body.indexOf("=");
    const label = equals < 0 ? undefined : body.slice(0, equals).trim();
    const what = body.slice(equals + 1).trim();
    if (what === "" || label === "") {
      throw new AllocatorError("bad-allocator", spec, `"${spec}" is no allocator`, {
        remedy: "Write a name, name=/path/lib.so, or route@library.",
      });
    }
    if (label !== undefined && (ROUTES as readonly string[]).includes(label)) {
      throw new AllocatorError(
        "bad-allocator",
        spec,
        `"${label}" is the name of a route, and cannot be given to a library`,
      );
    }
    const at = what.indexOf("@");
    const routeName = at >= 0 ? what.slice(0, at) : what;
    const route = ROUTES.find((candidate) => candidate === routeName);
    if (at >= 0 && (route === undefined || route === "none")) throw unknown(spec, routeName);
    const libraryName = at >= 0 ? what.slice(at + 1) : route === undefined ? what : undefined;
    const library = libraryName === undefined ? undefined : this.library(spec, libraryName);
    if (libraryName !== undefined && library === undefined) throw unknown(spec, libraryName);
    if (label !== undefined && library !== undefined) this.named.set(label, library);
    const settings = match[2] === undefined ? "" : `[${match[2]}]`;
    const dropIn = library !== undefined && basename(library.realPath) === DROP_IN_LIBRARY;
    const ours = route !== undefined && CONFIGURABLE.includes(route);
    if (configPath !== undefined && !dropIn && !ours) {
      throw new AllocatorError("bad-allocator", spec, `${what} is no heap of ours and takes no config`, {
        remedy: `It is taken by ${CONFIGURABLE.join(", ")} and ${DROP_IN}; others take environment variables.`,
      });
    }
    const config = configPath === undefined ? undefined : readHeapConfig(resolve(configPath));
    return {
      name: `${label ?? what.replace(/[^@]*\/.*/, (path) => basename(path, ".so"))}${settings}`,
      route: route ?? "malloc",
      ...(library === undefined ? {} : { library }),
      environment: {
        ...environment,
        ...(config !== undefined && dropIn ? { [CONFIG_VARIABLE]: config.path } : {}),
      },
      ...(config === undefined ? {} : { config }),
    };
  }
}

/**
 * The allocators that a list names, in its order, each once. `all` is ours, malloc and every installed peer; a
 * peer it does not find is a warning. Throws AllocatorError on what does not exist or is no library.
 */
export function chooseAllocators(lists: readonly string[], peers = findPeers()): AllocatorChoice {
  const registry = new Registry(peers);
  const chosen = new Map<string, Allocator>();
  const warnings: string[] = [];
  for (const spec of lists.flatMap(splitList)) {
    const specs =
      spec === "all"
        ? [...OURS, ...peers.filter((peer) => peer.path !== undefined).map((peer) => peer.name)]
        : [spec];
    if (spec === "all") warnings.push(...peers.flatMap(missingPeer));
    for (const each of specs) {
      const allocator = registry.parse(each);
      const before = chosen.get(allocator.name);
      if (
        before !== undefined &&
        (before.route !== allocator.route || before.library?.realPath !== allocator.library?.realPath)
      ) {
        throw new AllocatorError(
          "bad-allocator",
          each,
          `two different allocators are named "${allocator.name}"`,
        );
      }
      chosen.set(allocator.name, allocator);
    }
  }
  return { allocators: [...chosen.values()], warnings };
}

/** A sentence about a peer that is not installed; nothing of one that is. */
export function missingPeer(peer: InstalledPeer): string[] {
  if (peer.path !== undefined) return [];
  return [`${peer.name} is not installed and was left out (apt-get install ${peer.package}).`];
}

/**
 * The one that the others are compared with: the named one, which need not be among them, else malloc, else the first. Throws UsageError
 * where it is several, or the empty loop, and AllocatorError where it is none.
 */
export function chooseBaseline(allocators: readonly Allocator[], named: string | undefined): Allocator {
  const found = allocators.find(({ name }) => name === (named ?? "malloc"));
  const baseline = found ?? (named === undefined ? allocators[0] : oneAllocator(named));
  if (baseline === undefined) throw new UsageError("usage", "no allocator is left to compare");
  if (baseline.route === "none") throw new UsageError("usage", "the empty loop cannot be the baseline");
  return baseline;
}

function oneAllocator(spec: string): Allocator {
  const { allocators } = chooseAllocators([spec]);
  if (allocators.length !== 1) throw new UsageError("usage", `--baseline takes one allocator, not "${spec}"`);
  return allocators[0] as Allocator;
}

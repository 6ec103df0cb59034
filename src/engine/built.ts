import { packageRoot } from "../native.js";

/** Where the native build puts this program or library, unless the environment variable names another. */
export const builtPath = (name: string, variable: string): string =>
  process.env[variable] ?? `${packageRoot}build/Release/${name}`;

/** What to do where it is not there. */
export const BUILD_REMEDY = `Build it with: node ${packageRoot}scripts/build-native.mjs`;

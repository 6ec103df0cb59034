import { describe, expect, it } from "vitest";
import { describeForeign, knownFormats } from "../../src/trace/foreign.js";

describe("what is no trace", () => {
  it.each<[string, Buffer, string]>([
    ["a program", Buffer.from("\x7fELF\x02\x01", "latin1"), "an ELF program or library"],
    ["a picture", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), "a PNG picture"],
    ["JSON", Buffer.from('{"a": 1}'), "JSON"],
    ["a letter", Buffer.from("Dear Sir,\nI write"), 'text that starts with "Dear Sir,"'],
    ["a long line", Buffer.from("x".repeat(100)), `text that starts with "${"x".repeat(60)}…"`],
    ["text in another language", Buffer.from("Größe\n"), 'text that starts with "Größe"'],
    ["binary data", Buffer.from([0, 1, 2, 255]), "binary data that starts with 00 01 02 ff"],
  ])("is described: %s", (_, head, description) => {
    expect(describeForeign(head)).toBe(description);
  });

  it("comes with the formats that are", () => {
    for (const format of ["rmt", "android", "malloc-bench", "csv"]) expect(knownFormats()).toContain(format);
  });
});

import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { readNumber } from "../../src/pressure/csv-cells.js";
import { CsvScanner } from "../../src/pressure/csv-scanner.js";
import { Random } from "../../src/statistics/random.js";

/** A file of rows with all that CSV may have in it, ended in one of three ways. */
function randomCsv(random: Random): string {
  const pick = <T>(from: readonly T[]): T => from[random.nextUint32() % from.length] as T;
  const cells = [
    "",
    "1",
    "-2.5",
    "00.125",
    "x",
    "märz",
    '"a,b"',
    '"two\nlines"',
    '"say ""so"""',
    '""',
    " 7 ",
    "1e3",
    "-",
    ".",
  ];
  const columns = 1 + (random.nextUint32() % 4);
  const row = (): string => Array.from({ length: columns }, () => pick(cells)).join(",");
  const rows = Array.from({ length: 1 + (random.nextUint32() % 12) }, row);
  return rows.join(pick(["\n", "\r\n"])) + pick(["", "\n", "\r\n"]);
}

describe("the scanner of CSV", () => {
  it("finds what csv-parse finds, wherever the pieces are cut", () => {
    const random = new Random(11);
    for (let round = 0; round < 2000; round += 1) {
      const text = randomCsv(random);
      const bytes = Buffer.from(text);
      const expected = (parse(text, { skip_empty_lines: true, trim: true }) as string[][]).filter(
        (row) => row.length > 1 || row[0] !== "",
      );
      const scanner = new CsvScanner(",", "f.csv");
      const found: string[][] = [];
      const take = (): void => {
        const texts = scanner.texts();
        found.push(texts);
        for (const [index, each] of texts.entries()) {
          const number = scanner.number(index);
          if (!Number.isNaN(number)) expect(number).toBe(readNumber(each));
        }
      };
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + (random.nextUint32() % 9);
        scanner.push(bytes.subarray(at, at + length), take);
        at += length;
      }
      scanner.end(take);
      expect(found, JSON.stringify(text)).toEqual(expected);
    }
  });

  it("makes the nearest number of what is written", () => {
    const random = new Random(5);
    for (let round = 0; round < 5000; round += 1) {
      const whole = random.nextUint32() >>> (random.nextUint32() % 32);
      const text = `${whole}.${`${random.nextUint32()}`.slice(0, 1 + (random.nextUint32() % 8))}`;
      const scanner = new CsvScanner(",", "f.csv");
      let number = Number.NaN;
      scanner.push(Buffer.from(`${text}\n`), () => {
        number = scanner.number(0);
      });
      if (!Number.isNaN(number)) expect(number).toBe(Number(text));
    }
  });
});

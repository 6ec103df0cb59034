import { crc32, deflateRawSync } from "node:zlib";

/** A zip file with these entries. `damage` flips a bit of the first entry's checksum. */
export function zipOf(entries: Readonly<Record<string, string | Buffer>>, damage = false): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const plain = Buffer.from(content);
    const packed = deflateRawSync(plain);
    const sums = Buffer.alloc(12);
    sums.writeUInt32LE((crc32(plain) ^ (damage ? 1 : 0)) >>> 0, 0);
    sums.writeUInt32LE(packed.length, 4);
    sums.writeUInt32LE(plain.length, 8);
    const common = Buffer.concat([
      Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]), // version 2.0, no flags, deflate, no time
      sums,
      Buffer.from([name.length, 0, 0, 0]),
    ]);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, rest, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, index, end]);
}

/** `zstd -19` of `androidText`: 975 bytes. */
export const androidZst = Buffer.from(
  "KLUv/WTPAi0GAEYRJRWwJ40Bx0yQMEbDVHbvvbeUUurs5GIjABoAHQBLnz1mTdlClowdt2drtfWWYjBAEAqyRHSCFBwKhYBBwDirA2e1" +
    "VrV17VRLdd5jXlPeQl4y3nHv2Wv11u8ftoXYkmE7zvbM1sq2tp1syU7tMbWm1BZSS0btuNoFjaVxbo+5NeW2kFsybsfdnt1a3da30y3d" +
    "sT3G1pQ0qBEkCEzu/hnAY40BEEaEEegD90f0/5Q1rc3PmleRurV/+A3UyqrkkgQXC1oVDS82PA==",
  "base64",
);

/** 52 events of Android memory_replay text: one block freed, fifty alive at the end. */
export const androidText = [
  "12345: malloc 0x1000 16",
  "12345: free 0x1000",
  ...Array.from({ length: 50 }, (_, at) => `7: malloc 0x${at + 1} 1${at + 1}`),
  "",
].join("\n");

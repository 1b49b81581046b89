/** A seeded generator whose state lies in shared memory: xoshiro128** (Blackman and Vigna, 2018). */

export class SharedRandom {
  /** @param index of the first of four words of state */
  constructor(
    private readonly i32: Int32Array,
    private readonly index: number,
  ) {}

  /** Starts a sequence: any two pairs of seed and stream give unrelated ones. */
  seed(seed: number, stream: number): void {
    let x = Math.imul(stream + 1, 0x9e3779b1) ^ seed;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.i32[this.index + i] = (z ^ (z >>> 16)) | (i === 0 ? 1 : 0);
    }
  }

  /** 0 .. 2^32 - 1. */
  u32(): number {
    const { i32, index: at } = this;
    const s1 = i32[at + 1]!;
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    i32[at + 2]! ^= i32[at]!;
    i32[at + 3]! ^= s1;
    i32[at + 1]! ^= i32[at + 2]!;
    i32[at]! ^= i32[at + 3]!;
    i32[at + 2]! ^= s1 << 9;
    i32[at + 3] = rotate(i32[at + 3]!, 11);
    return result;
  }

  /** 0 <= x < 1, 32 bits of it random. */
  unit(): number {
    return this.u32() / 4294967296;
  }

  /** 0 .. n-1, for n up to 2^32. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.u32() >>> 24;
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

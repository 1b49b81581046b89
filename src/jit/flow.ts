/**
 * Control flow of a region: reverse postorder, dominators, loop headers and merge points, as needed to write
 * reducible control flow with wasm's structured blocks (the method is Ramsey, "Beyond Relooper", ICFP 2022;
 * dominators as in Cooper, Harvey, Kennedy 2001).
 */

export interface Flow {
  /** Block indices in reverse postorder; order[0] is the entry. */
  order: number[];
  /** Position in `order` by block, -1 when unreachable. */
  rpo: Int32Array;
  /** Immediate dominator by block; the entry's is itself. */
  idom: Int32Array;
  /** Children in the dominator tree, in reverse postorder. */
  children: number[][];
  loopHeader: boolean[];
  /** More than one forward edge comes in. */
  merge: boolean[];
  /**
   * By loop header that heads two nested loops (a short inner one and the rest): the blocks of the inner one.
   * Written as one wasm loop, the outer loop's variables would burden every turn of the inner one.
   */
  inner: Map<number, Set<number>>;
}

/** Blocks of the loop made by a back edge latch -> header: those that reach the latch without the header. */
function naturalLoop(latch: number, header: number, preds: number[][]): Set<number> {
  const body = new Set([header]);
  const work = [latch];
  while (work.length > 0) {
    const b = work.pop()!;
    if (body.has(b)) continue;
    body.add(b);
    for (const p of preds[b]!) work.push(p);
  }
  return body;
}

/** The blocks of the loops with a header, and of the inner one where two of them are told apart. */
export function loopOf(
  flow: Flow,
  succ: number[][],
  header: number,
): { all: Set<number>; inner: Set<number> | undefined } {
  const preds: number[][] = succ.map(() => []);
  for (const b of flow.order) for (const s of succ[b]!) preds[s]!.push(b);
  const all = new Set<number>();
  for (const latch of preds[header]!) {
    if (flow.rpo[latch]! < flow.rpo[header]!) continue;
    for (const b of naturalLoop(latch, header, preds)) all.add(b);
  }
  return { all, inner: flow.inner.get(header) };
}

/** The blocks of an innermost loop, or null when another loop's header is among them. */
export function innermost(flow: Flow, succ: number[][], header: number): Set<number> | null {
  const { all, inner } = loopOf(flow, succ, header);
  const body = inner ?? all;
  return [...body].every((b) => b === header || !flow.loopHeader[b]) ? body : null;
}

/** A loop that comes back from more places is a dispatch loop, not two nested ones. */
const MANY_LATCHES = 4;

function innerLoops(order: number[], rpo: Int32Array, preds: number[][]): Map<number, Set<number>> {
  const out = new Map<number, Set<number>>();
  for (const h of order) {
    const latches = preds[h]!.filter((p) => rpo[p]! >= rpo[h]!);
    if (latches.length < 2 || latches.length > MANY_LATCHES) continue;
    const bodies = latches.map((l) => naturalLoop(l, h, preds));
    const small = bodies.reduce((a, b) => (b.size < a.size ? b : a));
    if (latches.every((l) => small.has(l))) continue;
    out.set(h, small);
  }
  return out;
}

/**
 * Analyses a graph with entry 0. Edges that make it irreducible (a retreating edge to a block that does not
 * dominate its source) are reported through `cut(from, to)`, which must remove the edge from `succ`; the
 * analysis then starts again.
 */
export function analyse(n: number, succ: number[][], cut: (from: number, to: number) => void): Flow {
  for (;;) {
    const flow = once(n, succ);
    let bad = false;
    for (const from of flow.order) {
      for (const to of succ[from]!.slice()) {
        if (flow.rpo[to]! <= flow.rpo[from]! && !dominates(flow, to, from)) {
          cut(from, to);
          bad = true;
        }
      }
    }
    if (!bad) return flow;
  }
}

export function dominates(flow: Flow, a: number, b: number): boolean {
  let x = b;
  while (flow.rpo[x]! > flow.rpo[a]!) x = flow.idom[x]!;
  return x === a;
}

function once(n: number, succ: number[][]): Flow {
  const order = reversePostorder(n, succ);
  const rpo = new Int32Array(n).fill(-1);
  for (const [i, b] of order.entries()) rpo[b] = i;
  const preds: number[][] = Array.from({ length: n }, () => []);
  for (const b of order) for (const s of succ[b]!) preds[s]!.push(b);
  const idom = new Int32Array(n).fill(-1);
  idom[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of order) {
      if (b === 0) continue;
      let d = -1;
      for (const p of preds[b]!) {
        if (idom[p] === -1) continue;
        d = d === -1 ? p : intersect(idom, rpo, p, d);
      }
      if (d !== idom[b]) {
        idom[b] = d;
        changed = true;
      }
    }
  }
  const children: number[][] = Array.from({ length: n }, () => []);
  const loopHeader: boolean[] = new Array(n).fill(false);
  const merge: boolean[] = new Array(n).fill(false);
  for (const b of order) {
    if (b !== 0) children[idom[b]!]!.push(b);
    let forward = 0;
    for (const p of preds[b]!) {
      if (rpo[p]! < rpo[b]!) forward++;
      else loopHeader[b] = true;
    }
    merge[b] = forward > 1;
  }
  return { order, rpo, idom, children, loopHeader, merge, inner: innerLoops(order, rpo, preds) };
}

function intersect(idom: Int32Array, rpo: Int32Array, a: number, b: number): number {
  let x = a;
  let y = b;
  while (x !== y) {
    while (rpo[x]! > rpo[y]!) x = idom[x]!;
    while (rpo[y]! > rpo[x]!) y = idom[y]!;
  }
  return x;
}

function reversePostorder(n: number, succ: number[][]): number[] {
  const seen = new Uint8Array(n);
  const post: number[] = [];
  const stack: { b: number; i: number }[] = [{ b: 0, i: 0 }];
  seen[0] = 1;
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const s = succ[top.b]!;
    if (top.i < s.length) {
      const next = s[top.i++]!;
      if (!seen[next]) {
        seen[next] = 1;
        stack.push({ b: next, i: 0 });
      }
    } else {
      post.push(top.b);
      stack.pop();
    }
  }
  return post.reverse();
}

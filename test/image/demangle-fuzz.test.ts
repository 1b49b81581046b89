/** Mutated names: every one is either read or refused by the demangler's own failure, in bounded time and size. */
import test from 'ava';
import fc from 'fast-check';
import { demangle } from '../../src/image/demangle.js';
import { DemangleFailure } from '../../src/image/demangle-ast.js';
import { demangleItanium } from '../../src/image/demangle-itanium.js';
import { demangleRustLegacy, demangleRustV0 } from '../../src/image/demangle-rust.js';

const SEEDS = [
  '_ZNKSt8functionIFviEEclEi',
  '_ZN9__gnu_cxx5__ops14_Iter_comp_valIZ4mainEUlOT_OT0_E_EclIPiiEEbS2_S4_',
  '_Z1fIiEDTcldtfp_1xIT_EEES1_',
  '_ZN1AIXadL_ZN1C3fooIiEEvvEEE1bE',
  '_ZZNK1A3fooEvENKUlTyT_T0_E0_clIcEEDaS_.constprop.0',
  '_ZN1AcvPT_IiEEv',
  '_Z1fIJilEEvDpPFvT_E',
  '_ZTC1A8_1B',
  '_Z1fIiEvDTnwLi3E_T_piLi1EEE',
  '_ZNW3mod1AIiEC1Ev',
  '_RINvC3foo3barDINtB2_3BazhEp4ItemaEL_E',
  '_RINvC3foo3barKVNtB2_3BazS1xj1_EE',
  '_RNvXC3fooNtC3foo3BarFG_RL0_hEu1f',
  '_ZN29_$LT$a..B$u20$as$u20$c..D$GT$1e17h05af221e174051e9E',
];
const PIECES = [
  ...'_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.$',
  ...[
    'S_',
    'S0_',
    'S1_',
    'T_',
    'T0_',
    'Dp',
    'DT',
    'Lb1E',
    'cv',
    'St',
    'sr',
    'fp_',
    'sZ',
    'Ul',
    'E_',
    'B2_',
    'B_',
    'NtB2_',
  ],
];

const edit = fc.record({
  at: fc.nat({ max: 199 }),
  cut: fc.integer({ min: 0, max: 3 }),
  piece: fc.constantFrom('', ...PIECES),
});

function mutate(seed: string, edits: readonly { at: number; cut: number; piece: string }[]): string {
  let name = seed;
  for (const { at, cut, piece } of edits) {
    const pos = 2 + (at % (name.length - 2));
    name = name.slice(0, pos) + piece + name.slice(pos + cut);
  }
  return name;
}

/** Runs one demangler; anything but a text, null or a DemangleFailure is a fault. */
function accept(body: () => string | null): boolean {
  try {
    const text = body();
    return text === null || (text.length > 0 && text.length <= 65_536);
  } catch (error) {
    return error instanceof DemangleFailure;
  }
}

const runs = process.env['CAPGRIND_TEST_ALL'] === undefined ? 4_000 : 200_000;

test('mutated names never surprise the demanglers', (t) => {
  const start = performance.now();
  let readable = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SEEDS), fc.array(edit, { minLength: 1, maxLength: 3 }), (seed, edits) => {
      const name = mutate(seed, edits);
      if (demangle(name) !== name) readable++;
      return (
        accept(() => demangleItanium(name)) &&
        accept(() => demangleRustV0(name)) &&
        accept(() => demangleRustLegacy(name))
      );
    }),
    { numRuns: runs },
  );
  // Were every mutant refused at once, the property would say little.
  t.true(readable > runs / 50, String(readable));
  t.true(performance.now() - start < runs * 5);
});

test('names put together from grammar pieces never surprise the demanglers', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom('_Z', '_ZN', '_Z1fI', '_R', '_RINvC1a1b'),
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }),
      (head, pieces) => {
        const name = head + pieces.join('');
        return (
          typeof demangle(name) === 'string' &&
          accept(() => demangleItanium(name)) &&
          accept(() => demangleRustV0(name))
        );
      },
    ),
    { numRuns: runs },
  );
  t.pass();
});

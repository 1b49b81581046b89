import test from 'ava';
import { demangle } from '../../src/image/demangle.js';

/** Written by hand from the legacy scheme and from RFC 2603 (v0). */
const VECTORS: readonly (readonly [string, string])[] = [
  // Legacy: the hash goes, `$..$` and `..` are decoded
  ['_ZN3foo3bar17h05af221e174051e9E', 'foo::bar'],
  ['_ZN3foo3bar17h05af221e174051e9E.llvm.1234', 'foo::bar'],
  ['_ZN29_$LT$a..B$u20$as$u20$c..D$GT$1e17h05af221e174051e9E', '<a::B as c::D>::e'],
  ['_ZN1a28_$u7b$$u7b$closure$u7d$$u7d$17h05af221e174051e9E', 'a::{{closure}}'],
  ['_ZN30_$LT$$RF$$LP$$BP$T$RP$$C$U$GT$1f17h05af221e174051e9E', '<&(*T),U>::f'],
  // Not a hash: too few distinct digits, or the wrong length; then it is a C++ name
  ['_ZN3foo17h0000000000000000E', 'foo::h0000000000000000'],
  ['_ZN3foo16h05af221e174051eE', 'foo::h05af221e174051e'],
  // v0 paths
  ['_RNvC3foo3bar', 'foo::bar'],
  ['_RNvNtCs1234_3foo3bar3baz', 'foo::bar::baz'],
  ['_RNvC3foo3bar.llvm.123', 'foo::bar'],
  ['_RNCNvC3foo3bar0', 'foo::bar::{closure#0}'],
  ['_RNCNvC3foo3bars_0', 'foo::bar::{closure#1}'],
  ['_RNSNvC3foo3bar4drop', 'foo::bar::{shim:drop#0}'],
  ['_RNvMC3fooNtC3foo3Bar3new', '<foo::Bar>::new'],
  ['_RNvXC3fooNtC3foo3BarNtC3foo3Baz1f', '<foo::Bar as foo::Baz>::f'],
  ['_RNvYhNtC3foo3Baz1f', '<u8 as foo::Baz>::f'],
  ['_RNvMs0_C3fooAhj4_1f', '<[u8; 4]>::f'],
  // Generic arguments: `::<..>` in values, `<..>` in types
  ['_RINvC3foo3barhE', 'foo::bar::<u8>'],
  ['_RNvMC3fooINtC3foo3BarhE1f', '<foo::Bar<u8>>::f'],
  ['_RINvC3foo3barNtB2_3BazE', 'foo::bar::<foo::Baz>'],
  ['_RINvC3foo3barTEThEThaEE', 'foo::bar::<(), (u8,), (u8, i8)>'],
  ['_RINvC3foo3barRehE', 'foo::bar::<&str, u8>'],
  ['_RINvC3foo3barQhShPhOhE', 'foo::bar::<&mut u8, [u8], *const u8, *mut u8>'],
  ['_RINvC3foo3barFhaEuE', 'foo::bar::<fn(u8, i8)>'],
  ['_RINvC3foo3barFUKChEzE', 'foo::bar::<unsafe extern "C" fn(u8) -> !>'],
  ['_RINvC3foo3barFK10vectorcallEuE', 'foo::bar::<extern "vectorcall" fn()>'],
  ['_RINvC3foo3barFG_RL0_hEuE', "foo::bar::<for<'a> fn(&'a u8)>"],
  ['_RINvC3foo3barDNtB2_3BazEL_E', 'foo::bar::<dyn foo::Baz>'],
  ['_RINvC3foo3barDINtB2_3BazhEp4ItemaEL_E', 'foo::bar::<dyn foo::Baz<u8, Item = i8>>'],
  ['_RINvC3foo3barDNtB2_3BazNtB2_4SendEL_E', 'foo::bar::<dyn foo::Baz + foo::Send>'],
  ['_RINvC3foo3barL_E', "foo::bar::<'_>"],
  // Constants
  ['_RINvC3foo3barKj1f_E', 'foo::bar::<31>'],
  ['_RINvC3foo3barKan80_E', 'foo::bar::<-128>'],
  ['_RINvC3foo3barKb0_Kb1_E', 'foo::bar::<false, true>'],
  ['_RINvC3foo3barKc61_E', "foo::bar::<'a'>"],
  ['_RINvC3foo3barKoffffffffffffffffff_E', 'foo::bar::<0xffffffffffffffffff>'],
  ['_RINvC3foo3barKpE', 'foo::bar::<_>'],
  ['_RINvC3foo3barKRe6869_E', 'foo::bar::<"hi">'],
  ['_RINvC3foo3barKVNtB2_3BazTj1_EE', 'foo::bar::<{foo::Baz(1)}>'],
  ['_RINvC3foo3barKVNtB2_3BazS1xj1_EE', 'foo::bar::<{foo::Baz { x: 1 }}>'],
  // Punycode: "gdel" with U+00F6 at index 1
  // RFC 3492, chapter 7.1, sample A
  [
    '_RNvC3foou22egbpdaj6bu4bxfgehfvwxn',
    'foo::\u0644\u064a\u0647\u0645\u0627\u0628\u062a\u0643\u0644\u0645\u0648\u0634\u0639\u0631\u0628\u064a\u061f',
  ],
  ['_RNvC3foou8gdel_5qa', 'foo::g\u00f6del'],
];

for (const [mangled, readable] of VECTORS) {
  test(mangled, (t) => {
    t.is(demangle(mangled), readable);
  });
}

test('malformed names are returned as they are', (t) => {
  // No path, cut off, unknown tag, forward or endless back reference, number past 64 bits, bad Punycode.
  for (const name of [
    '_R3foo',
    '_RNvC3foo3ba',
    '_RNqC3foo',
    '_RB_',
    '_RNvB0_3foo',
    '_RINvC3foo3barBz_E',
    '_RNvCszzzzzzzzzzzzz_3foo1f',
    '_RNvC3foou3_-x',
  ]) {
    t.is(demangle(name), name);
  }
});

test('back references cannot multiply the work without bound', (t) => {
  // Every type is a pair of the one before it.
  let name = '_RINvC1a1bTuuE';
  let previous = 8;
  for (let i = 0; i < 40; i++) {
    const at = name.length - 2;
    const ref = `B${base62(previous)}`;
    name += `T${ref}${ref}E`;
    previous = at;
  }
  name += 'E';
  const start = performance.now();
  t.is(demangle(name), name);
  t.true(performance.now() - start < 2_000);
  t.is(demangle('_RINvC1a1bTuuETB7_B7_EE'), 'a::b::<((), ()), (((), ()), ((), ()))>');
});

function base62(n: number): string {
  if (n === 0) return '_';
  const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  let text = '';
  for (let v = n - 1; ; v = Math.floor(v / 62)) {
    text = digits[v % 62] + text;
    if (v < 62) return `${text}_`;
  }
}

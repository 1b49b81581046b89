import test from 'ava';
import { demangle } from '../../src/image/demangle.js';

/** Mangled by hand from the rules of the Itanium C++ ABI, chapter 5.1; spelled as GNU tools spell names. */
const VECTORS: readonly (readonly [string, string])[] = [
  // Functions, parameters, builtin types
  ['_Z1fv', 'f()'],
  ['_Z1fi', 'f(int)'],
  [
    '_Z4funcbcahstijlmxyno',
    'func(bool, char, signed char, unsigned char, short, unsigned short, int, unsigned int, long, unsigned long, long long, unsigned long long, __int128, unsigned __int128)',
  ],
  ['_Z1ffdegwz', 'f(float, double, long double, __float128, wchar_t, ...)'],
  ['_Z1fDsDiDuDnDF16_', 'f(char16_t, char32_t, char8_t, decltype(nullptr), _Float16)'],
  ['_Z1fu6__int3', 'f(__int3)'],
  // Compound types: the declarator wraps around
  ['_Z1fPKc', 'f(char const*)'],
  ['_Z1fPPKcS_', 'f(char const**, char const)'],
  ['_Z1fRVKi', 'f(int const volatile&)'],
  ['_Z1fOi', 'f(int&&)'],
  ['_Z1fPFivE', 'f(int (*)())'],
  ['_Z1fPFPFvcEiE', 'f(void (*(*)(int))(char))'],
  ['_Z1fRA4_Kc', 'f(char const (&) [4])'],
  ['_Z1fPA2_A3_i', 'f(int (*) [2][3])'],
  ['_Z1fM1Ai', 'f(int A::*)'],
  ['_Z1fM1AKFviE', 'f(void (A::*)(int) const)'],
  ['_Z1fPDoFvvE', 'f(void (*)() noexcept)'],
  ['_Z1fM1AFvvOE', 'f(void (A::*)() &&)'],
  ['_Z1fCfDv4_f', 'f(float _Complex, float __vector(4))'],
  // Nested names, qualifiers of this
  ['_ZN1a1b1cE', 'a::b::c'],
  ['_ZNK1A1fEv', 'A::f() const'],
  ['_ZNVKO1A1fEv', 'A::f() const volatile &&'],
  ['_ZN12_GLOBAL__N_11fEv', '(anonymous namespace)::f()'],
  ['_ZL1xi', 'x(int)'],
  // Constructors and destructors
  ['_ZN1AC1Ev', 'A::A()'],
  ['_ZN1AC2ERKS_', 'A::A(A const&)'],
  ['_ZN1n1BIiED0Ev', 'n::B<int>::~B()'],
  ['_ZN1BCI11AEi', 'B::A(int)'],
  // Operators and conversions
  ['_ZplRK1AS1_', 'operator+(A const&, A const&)'],
  ['_ZN1AaSEOS_', 'A::operator=(A&&)'],
  ['_ZN1AnwEm', 'A::operator new(unsigned long)'],
  ['_ZN1AdaEPv', 'A::operator delete[](void*)'],
  ['_ZNK1AcvbEv', 'A::operator bool() const'],
  ['_ZNK1AcvPKcEv', 'A::operator char const*() const'],
  ['_ZNK1AcvT_IiEEv', 'A::operator int<int>() const'],
  ['_ZNK1AclEi', 'A::operator()(int) const'],
  ['_ZN1AssERKS_', 'A::operator<=>(A const&)'],
  ['_Zli3_kmy', 'operator"" _km(unsigned long long)'],
  // Templates: return types, parameters, packs, literals
  ['_Z1fIiEvT_', 'void f<int>(int)'],
  ['_Z1fIicET0_T_', 'char f<int, char>(int)'],
  ['_ZN1AIiE1fEv', 'A<int>::f()'],
  ['_Z1f1AI1BIiEE', 'f(A<B<int> >)'],
  ['_Z1fIJicEEvDpT_', 'void f<int, char>(int, char)'],
  ['_Z1fIJicEEvDpRKT_', 'void f<int, char>(int const&, char const&)'],
  ['_Z1fIRiEvOT_', 'void f<int&>(int&)'],
  ['_Z1fIFviEEvPT_', 'void f<void (int)>(void (*)(int))'],
  ['_ZlsIiEvRK1AT_', 'void operator<< <int>(A const&, int)'],
  ['_ZN1AILi1ELin2ELj3ELm4ELb1ELc65EE1fEv', 'A<1, -2, 3u, 4ul, true, (char)65>::f()'],
  ['_ZN1AIL1E2EE1fEv', 'A<(E)2>::f()'],
  ['_ZN1AIXadL_Z1gvEEE1fEv', 'A<&(g())>::f()'],
  // Expressions
  ['_Z1fIiEDTplfp_Li1EET_', 'decltype ({parm#1}+(1)) f<int>(int)'],
  ['_Z1fIiEDTcl1gfp_EET_', 'decltype (g({parm#1})) f<int>(int)'],
  ['_Z1fIiEDTgtfp_Li0EET_', 'decltype (({parm#1}>(0))) f<int>(int)'],
  ['_Z1fIJiiEE1AIXsZT_EEv', 'A<2> f<int, int>()'],
  ['_Z1fIiEvDTcvT_Li1EE', 'void f<int>(decltype ((int)(1)))'],
  // Substitutions
  ['_ZN1a1bENS_1cES0_', 'a::b(a::c, a::c)'],
  ['_Z1fSsSaIcE', 'f(std::string, std::allocator<char>)'],
  ['_ZSt4swapIiEvRT_S1_', 'void std::swap<int>(int&, int&)'],
  ['_ZNSsC1Ev', 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string()'],
  ['_ZNSolsEi', 'std::ostream::operator<<(int)'],
  // Closures, unnamed types, local names
  ['_ZZ1fvENKUlvE_clEv', 'f()::{lambda()#1}::operator()() const'],
  ['_ZZ1fvENKUlT_E0_clIiEEDaS_', 'auto f()::{lambda(auto:1)#2}::operator()<int>(int) const'],
  ['_ZNK1AUlTyT_T0_E_clEv', 'A::{lambda<typename $T0>($T0, auto:2)#1}::operator()() const'],
  ['_Z1fN1AUt0_E', 'f(A::{unnamed type#2})'],
  ['_ZZ1fIiEvT_E1x_1', 'f<int>(int)::x'],
  ['_ZZ1fiEd_NKUlvE_clEv', 'f(int)::{default arg#1}::{lambda()#1}::operator()() const'],
  // Special names
  ['_ZTV1A', 'vtable for A'],
  ['_ZTT1A', 'VTT for A'],
  ['_ZTIPKi', 'typeinfo for int const*'],
  ['_ZTS1A', 'typeinfo name for A'],
  ['_ZTC1A8_1B', 'construction vtable for B-in-A'],
  ['_ZGVZ1fvE1x', 'guard variable for f()::x'],
  ['_ZThn8_N1A1fEv', 'non-virtual thunk to A::f()'],
  ['_ZTv0_n24_N1A1fEv', 'virtual thunk to A::f()'],
  ['_ZTchn8_h16_N1A1fEv', 'covariant return thunk to A::f()'],
  ['_ZTHN1a1xE', 'TLS init function for a::x'],
  ['_ZTWN1a1xE', 'TLS wrapper function for a::x'],
  ['_ZGRN1a1xE_', 'reference temporary #0 for a::x'],
  ['_ZGRN1a1xE0_', 'reference temporary #1 for a::x'],
  // ABI tags, modules
  ['_ZN1A1fB5cxx11Ev', 'A::f[abi:cxx11]()'],
  ['_ZNW3mod1A1fES0_', 'A@mod::f(A@mod)'],
  // Clones
  ['_Z1fv.constprop.0', 'f() [clone .constprop.0]'],
  ['_Z1fv.part.1.cold', 'f() [clone .part.1] [clone .cold]'],
];

for (const [mangled, readable] of VECTORS) {
  test(mangled, (t) => {
    t.is(demangle(mangled), readable);
  });
}

test('a name that is not mangled is returned as it is', (t) => {
  for (const name of [
    '',
    'main',
    '_',
    '_Z',
    '_R',
    '_start',
    '__libc_start_main',
    'Z1fv',
    '_Zxyz',
    '_Z1',
    '_GLOBAL__sub_I_f',
  ]) {
    t.is(demangle(name), name);
  }
});

test('a malformed name is returned as it is', (t) => {
  // Cut off, unknown substitution, unknown template parameter, length past the end, rubbish behind the name.
  for (const name of [
    '_ZN1a',
    '_Z1fS_',
    '_Z1fT_',
    '_Z9f',
    '_Z1fv,',
    '_Z1fv.',
    '_Z1fv.X',
    '_ZN1aE1bE',
    '_Z1fIiET_',
    '_ZN1AIXEE1bE',
  ]) {
    t.is(demangle(name), name);
  }
});

test('constructors and destructors of file-scope objects name what they are keyed to', (t) => {
  t.is(demangle('_GLOBAL__I__ZN1a1bE'), 'global constructors keyed to a::b');
  t.is(demangle('_GLOBAL__D_main'), 'global destructors keyed to main');
});

test('a symbol version stays behind the readable name', (t) => {
  t.is(demangle('_ZNSolsEi@GLIBCXX_3.4'), 'std::ostream::operator<<(int)@GLIBCXX_3.4');
  t.is(demangle('memcpy@@GLIBC_2.27'), 'memcpy@@GLIBC_2.27');
});

test('a substituted reference means the parameter of the function it is printed in', (t) => {
  // S1_ is `T_&&`, first seen in the closure; in the call operator T_ is `int&`, so it collapses to `int&`.
  t.is(
    demangle('_ZZ1fvENKUlOT_E_clIRiEEvS0_'),
    'void f()::{lambda(auto:1&&)#1}::operator()<int&>(int&) const',
  );
});

test('work, nesting and output are bounded', (t) => {
  const start = performance.now();
  const ids = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  // Each parameter names the one before it twice: its text doubles.
  const doubling = (n: number) =>
    `_Z1f1AIiiE${Array.from({ length: n }, (_, i) => `S_IS${ids[i]}_S${ids[i]}_E`).join('')}`;
  t.is(demangle(doubling(1)), 'f(A<int, int>, A<A<int, int>, A<int, int> >)');
  t.is(demangle(doubling(30)), doubling(30));
  // The same types where they are not printed (the class an inheriting constructor comes from), then searched
  // for a pack: no text, but the same work.
  const searching = (n: number) => {
    const types = Array.from({ length: n }, (_, i) => `S1_IS${ids[i + 2]}_S${ids[i + 2]}_E`).join('');
    return `_ZN1BCI11AI1DIiiE${types}EEDpS${ids[n + 2]}_`;
  };
  t.is(demangle(searching(1)), 'B::A((D<D<int, int>, D<int, int> >)...)');
  t.is(demangle(searching(33)), searching(33));
  const deep = `_Z1f${'P'.repeat(60_000)}i`;
  t.is(demangle(deep), deep);
  const closing = `_Z1f${'1AI'.repeat(20_000)}i${'E'.repeat(20_000)}`;
  t.is(demangle(closing), closing);
  const long = `_Z${'1'.repeat(70_000)}`;
  t.is(demangle(long), long);
  t.true(performance.now() - start < 5_000);
});

test('ordinary nesting is well inside the bounds', (t) => {
  t.is(demangle(`_Z1f${'P'.repeat(200)}i`), `f(int${'*'.repeat(200)})`);
});

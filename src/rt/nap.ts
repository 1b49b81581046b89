// Short sleeps of waiting loops.
//
// V8 11.3 (Node 20) loses 64-bit values that live across its own memory.atomic.wait32: under contention a key of which the
// upper half was kept came back with a lower half of 0 (seen in hg_* of mini-sync under helgrind: a lock was never
// released). So the wait is JavaScript's, which only a loop calls that has spun in vain.

// Waits until somebody notifies the word, at most `micros`; returns at once when it does not hold `value`.
@external('env', 'js_nap')
export declare function nap(word: u32, value: i32, micros: i32): void;

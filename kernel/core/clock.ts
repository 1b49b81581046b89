/** Host monotonic time in ms, the same clock in every worker. */
export function monotonicMs(): number {
  const [sec, nsec] = process.hrtime();
  return sec * 1e3 + nsec / 1e6;
}

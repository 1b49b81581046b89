/**
 * Names of output files with Valgrind's templates (valgrind-facts 1.3): %p pid, %n number of the file in this process,
 * %q{VAR} environment variable, %% a percent sign.
 */

/** Expands a template. Throws Error with one line for the user on anything it does not know. */
export function expandName(template: string, pid: number, env: NodeJS.ProcessEnv = process.env): string {
  return template.replace(/%(q\{([^}]*)\}|.|$)/g, (whole, what: string, name: string | undefined) => {
    if (what === 'p') return String(pid);
    // There is one report of each kind, and no fork that would begin another.
    if (what === 'n') return '1';
    if (what === '%') return '%';
    if (name !== undefined) {
      const value = env[name];
      if (value === undefined)
        throw new Error(`file name ${template}: environment variable ${name} is not set`);
      return value;
    }
    throw new Error(`file name ${template}: unknown escape ${whole} (use %p, %n, %q{VAR} or %%)`);
  });
}

/** The environment variables that a template asks for, with their values. */
export function nameQualifiers(
  template: string,
  env: NodeJS.ProcessEnv = process.env,
): (readonly [string, string])[] {
  const found = template.matchAll(/%(?:q\{([^}]*)\}|.)/g);
  return [...found].flatMap(([, name]) => (name === undefined ? [] : [[name, env[name] ?? ''] as const]));
}

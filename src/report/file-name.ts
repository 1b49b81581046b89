/** Names of output files with Valgrind's templates: %p pid, %q{VAR} environment variable, %% a percent sign. */

/** Expands a template. Throws Error with one line for the user on anything it does not know. */
export function expandName(template: string, pid: number, env: NodeJS.ProcessEnv = process.env): string {
  return template.replace(/%(q\{([^}]*)\}|.|$)/g, (whole, what: string, name: string | undefined) => {
    if (what === 'p') return String(pid);
    if (what === '%') return '%';
    if (name !== undefined) {
      const value = env[name];
      if (value === undefined)
        throw new Error(`file name ${template}: environment variable ${name} is not set`);
      return value;
    }
    throw new Error(`file name ${template}: unknown escape ${whole} (use %p, %q{VAR} or %%)`);
  });
}

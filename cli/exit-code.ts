/** What every command says with its exit code. */
export const exitCode = { clean: 0, denied: 1, unusable: 2 } as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** 2 beats 1 beats 0. */
export function worst(...codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>((most, code) => (code > most ? code : most), exitCode.clean);
}

/*
 * What the demo says. For a person: one line for what is tried, by whom and what happened, then the denial or the diff. For a program (`--json`):
 * one document with the same steps and figures.
 */

export interface Outcome {
  readonly step: string;
  readonly tried: string;
  readonly by: string;
  readonly happened: string;
  readonly held: boolean;
  readonly detail?: string;
  readonly figures?: Readonly<Record<string, unknown>>;
}

export interface Narrator {
  heading(text: string): void;
  note(text: string): void;
  outcome(outcome: Outcome): void;
  /** The closing word; true when every step held. */
  close(seconds: number, failure?: string): boolean;
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n');

const colour = (code: number, text: string): string => `\u001b[${code}m${text}\u001b[0m`;

/** Prints as it goes. */
export function textNarrator(write: (text: string) => void, isTerminal: boolean): Narrator {
  const paint = (code: number, text: string): string => (isTerminal ? colour(code, text) : text);
  let [steps, broken] = [0, 0];
  return {
    heading: (text) => write(`\n${paint(1, text)}\n`),
    note: (text) => write(`${paint(2, indent(text))}\n`),
    outcome({ step, tried, by, happened, held, detail }) {
      steps += 1;
      broken += held ? 0 : 1;
      write(`  ${held ? paint(32, 'ok') : paint(31, 'FAILED')}  (${step}) ${by}: ${tried} -> ${happened}\n`);
      if (detail !== undefined) {
        write(`${paint(2, indent(detail))}\n`);
      }
    },
    close(seconds, failure) {
      const holds = broken === 0 && failure === undefined;
      const verdict = holds ? `all ${steps} steps held` : (failure ?? `${broken} of ${steps} steps did not hold`);
      write(`\n${paint(holds ? 32 : 31, verdict)} (${seconds.toFixed(1)} s)\n`);
      return holds;
    },
  };
}

/** Collects, and prints one JSON document at the end. */
export function jsonNarrator(write: (text: string) => void): Narrator {
  const steps: Outcome[] = [];
  return {
    heading: () => undefined,
    note: () => undefined,
    outcome: (outcome) => void steps.push(outcome),
    close(seconds, failure) {
      const held = steps.every((step) => step.held) && failure === undefined;
      write(`${JSON.stringify({ held, seconds, ...(failure === undefined ? {} : { failure }), steps }, null, 2)}\n`);
      return held;
    },
  };
}

import type { Lint } from '../lint.ts';
import { extensionsLint } from './extensions.ts';
import { keyIdentifiers } from './key-identifiers.ts';
import { keyStrength } from './key-strength.ts';
import { lifetime } from './lifetime.ts';
import { ownDomain } from './own-domain.ts';
import { serialNumberLint } from './serial-number.ts';
import { svidForm } from './svid-form.ts';

/** Every lint, judged on every certificate before it is signed. Canonical DER is judged by the strict reader that read it back. */
export const allLints: readonly Lint[] = [
  svidForm,
  lifetime,
  serialNumberLint,
  extensionsLint,
  ownDomain,
  keyStrength,
  keyIdentifiers,
];

import { describe } from 'vitest';
import { obtainedFrom } from '../../test/builders/obtained-svid.ts';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { identitySourceContract } from './identity-source.contract.ts';
import { memorySource } from './memory-source.ts';

const authority = createTestAuthority({ trustDomain: 'td-a' });

describe('memorySource', () => {
  identitySourceContract(() => ({
    working: memorySource([obtainedFrom(authority), obtainedFrom(authority)]),
    failing: memorySource(['token-rejected']),
    trustDomain: authority.trustDomain,
  }));
});

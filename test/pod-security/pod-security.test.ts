import { describe, expect, it } from 'vitest';
import { controlCases, doubleCases, passingPods } from './pod-security.cases.ts';
import { controlsOf, podSecurityViolations } from './pod-security.ts';

describe('the Pod Security evaluator', () => {
  it.each(controlCases)('$level refuses by $control $name, and nothing else does', ({ pod, control, level, field }) => {
    expect(podSecurityViolations(pod, level)).toEqual([{ control, field }]);
    const restricted = podSecurityViolations(pod, 'restricted').filter((each) => each.control !== 'restrictedVolumes');
    expect(restricted).toEqual(control === 'restrictedVolumes' ? [] : [{ control, field }]);
  });

  it.each(doubleCases)('baseline refuses by $control $name, and restricted by $also too', (each) => {
    const { pod, control, field, also } = each;
    expect(podSecurityViolations(pod, 'baseline')).toEqual([{ control, field }]);
    expect(podSecurityViolations(pod, 'restricted')).toEqual([
      { control, field },
      { control: also, field },
    ]);
  });

  it.each(passingPods)('both levels accept $name', ({ pod }) => {
    expect(podSecurityViolations(pod, 'restricted')).toEqual([]);
  });

  it('baseline accepts what only restricted minds', () => {
    const pods = controlCases.filter(({ level }) => level === 'restricted').map(({ pod }) => pod);
    expect(pods.flatMap((pod) => podSecurityViolations(pod, 'baseline'))).toEqual([]);
  });

  it('has a refusing case for every control, and no case for none', () => {
    const tried = new Set([...controlCases, ...doubleCases].map(({ control }) => control));
    const controls = controlsOf('restricted').map(({ id }) => id);
    expect([...tried].toSorted()).toEqual(controls.toSorted());
    expect(new Set(controls).size).toBe(controls.length);
  });
});

import { z } from 'zod';

/*
 * The custom resource Exemption, defined once: type, strict parser (`sallyport check`, the guard `exemption-approval`), tolerant parser (reading the cluster,
 * where a newer replica may have written members unknown here) and the schema that its CRD is printed from.
 */

export const exemptionGroup = 'sallyport.dev';
export const exemptionVersion = 'v1alpha1';

/** The maker of every object in the schema: refusing members it does not know, or dropping them. */
type ObjectMaker = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.ZodObject<Shape, z.core.$strip>;

const exactText = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^*]*$/, 'names one thing exactly: no * in it');
const ruleText = z.string().min(1).max(253);
const time = z.iso.datetime({ offset: true, error: 'a time with its zone, such as 2027-01-31T12:00:00Z' });
const generation = z.int().min(1);

function grantOf(object: ObjectMaker) {
  const subject = object({
    apiGroup: z.string().max(253).optional(),
    kind: exactText,
    name: exactText,
    namespace: exactText.optional(),
  });
  const rule = object({
    apiGroups: z.array(z.string().max(253)).max(100).optional(),
    resources: z.array(ruleText).max(100).optional(),
    verbs: z.array(ruleText).min(1).max(100),
    resourceNames: z.array(ruleText).max(100).optional(),
    nonResourceURLs: z.array(ruleText).max(100).optional(),
  });
  return object({
    roleRef: object({ apiGroup: z.string().max(253).optional(), kind: exactText, name: exactText }).optional(),
    subjects: z.array(subject).min(1).max(100).optional(),
    rules: z.array(rule).min(1).max(100).optional(),
  }).meta({
    description:
      'What is granted, as its approver reads it: roleRef and subjects of a binding, or the rules of a role or ceiling.',
  });
}

function scopeOf(object: ObjectMaker) {
  return object({
    apiGroup: z
      .string()
      .max(253)
      .regex(/^[^*]*$/, 'names one group exactly: no * in it')
      .meta({ description: 'Empty for the core group.' }),
    kind: exactText,
    namespace: exactText.optional(),
    name: exactText,
    keys: z
      .array(exactText)
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'The only keys covered; of a workload, CONTAINER/NAME of environment variables.' }),
    grant: grantOf(object).optional(),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 lower-case hex digits')
      .optional()
      .meta({ description: 'Binds the exemption to exact content. Printed by a denial and by sallyport check.' }),
  }).meta({ description: 'One object, by its exact name.' });
}

function specOf(object: ObjectMaker) {
  return object({
    rules: z
      .array(z.string().regex(/^[a-z]+(-[a-z]+)*$/, 'the id of a rule, such as credential-in-env'))
      .min(1)
      .max(10)
      .meta({ description: 'Ids of the rules that are lifted.' }),
    scope: z.array(scopeOf(object)).min(1).max(20),
    justification: z.string().min(20).max(4096),
    ticket: object({
      system: z.string().min(1).max(64),
      id: z.string().min(1).max(128),
      url: z.url().max(2048).optional(),
    }),
    category: z.enum(['waiver', 'mitigated']),
    compensatingControl: z.string().min(1).max(4096).optional(),
    owner: object({ team: z.string().min(1).max(253), contact: z.string().min(1).max(253) }),
    expiresAt: time,
    requestedBy: object({ username: z.string(), uid: z.string() })
      .optional()
      .meta({ description: 'Written by the webhook from the request; what a client sends is replaced.' }),
    breakGlass: z.boolean().optional(),
  });
}

function statusOf(object: ObjectMaker) {
  const approval = object({
    decision: z.enum(['approved', 'rejected', 'revoked']),
    by: z.string().optional(),
    byUid: z.string().optional(),
    at: time.optional(),
    generation: generation.optional(),
    comment: z.string().max(4096).optional(),
  }).meta({
    description: 'A client sends decision, comment and generation; by, byUid and at are written by the webhook.',
  });
  const condition = object({
    type: z.string().max(316),
    status: z.enum(['True', 'False', 'Unknown']),
    observedGeneration: z.int().optional(),
    lastTransitionTime: z.string().optional(),
    reason: z.string().max(1024).optional(),
    message: z.string().max(32_768).optional(),
  });
  return object({
    approval: approval.optional(),
    use: object({ count: z.int().min(0), lastAt: time.optional(), lastBy: z.string().optional() }).optional(),
    conditions: z.array(condition).max(32).optional(),
  });
}

function exemptionOf(object: ObjectMaker) {
  return object({
    apiVersion: z.literal(`${exemptionGroup}/${exemptionVersion}`),
    kind: z.literal('Exemption'),
    // Metadata is the API server's to validate; only what is judged is read, so that a new member of it never refuses an exemption.
    metadata: z.object({ name: z.string().optional(), generation: generation.optional() }),
    spec: specOf(object),
    status: statusOf(object).optional(),
  });
}

/** As a person writes it: a member nobody knows is a mistake. */
export const strictExemption = exemptionOf((shape) => z.strictObject(shape));

/** As the cluster holds it: members nobody knows are dropped. */
export const tolerantExemption = exemptionOf((shape) => z.object(shape));

/**
 * Cluster-scoped request to lift rules for exact objects until a time, approved by a second person through `/status`.
 * Whether it is valid is not said here: `webhook/policy/exemptions.ts`.
 */
export type Exemption = z.output<typeof tolerantExemption>;
export type ExemptionScope = Exemption['spec']['scope'][number];
export type ExemptionGrant = NonNullable<ExemptionScope['grant']>;

/** An Exemption as read from the cluster; undefined when it is none, so that it lifts nothing. Never throws. */
export function readExemption(object: unknown): Exemption | undefined {
  const parsed = tolerantExemption.safeParse(object);
  return parsed.success ? parsed.data : undefined;
}

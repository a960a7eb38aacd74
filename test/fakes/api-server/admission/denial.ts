import { isObject, type JsonObject, numberAt, textAt } from '../json.ts';
import { ApiError, badRequest } from '../status.ts';

/** The webhook could not be asked or answered nonsense: what `failurePolicy` is for. */
export class WebhookFailure extends Error {}

/** A denial as the client sees it: the webhook's code and reason, its message behind the webhook's name. */
export function denialOf(webhook: string, status: JsonObject | undefined): ApiError {
  const code = Math.max(numberAt(status, 'code') ?? 400, 400);
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const why = textAt(status, 'message') === '' ? textAt(status, 'reason') : textAt(status, 'message');
  const details = isObject(status) && isObject(status['details']) ? status['details'] : undefined;
  return new ApiError(
    code,
    textAt(status, 'reason'),
    why === '' ? `${by} without explanation` : `${by}: ${why}`,
    details,
  );
}

/** A dry run may not reach a webhook that might act on it. */
export function dryRunUnsupported(webhook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}

import { behind, targetsOf } from '../core/behind.ts';
import type { TunnelState } from '../core/snapshot.ts';
import { html, joined, NOTHING, SEPARATOR, visible } from './html.ts';
import type { Html } from './html.ts';

const MOST_NAMED = 5;

/** Host names and networks that the tunnel leads to, the first five; nothing where none is known. */
export function behindWords(state: TunnelState): Html {
  const targets = targetsOf(behind(state));
  if (targets.length === 0) return NOTHING;
  const more = targets.length - MOST_NAMED;
  const named = joined(
    targets.slice(0, MOST_NAMED).map((target) => html`<code>${visible(target)}</code>`),
    SEPARATOR,
  );
  return more > 0 ? html`${named} and ${more} more` : named;
}

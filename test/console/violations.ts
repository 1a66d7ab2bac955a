import axe from 'axe-core';
import type { Page } from 'playwright-core';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Runs in the page. */
const RUN_AXE = `(async (runOnly) => {
  const { violations } = await axe.run({ runOnly });
  return violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '));
})`;

/**
 * Resolves with the violations of WCAG 2.2 AA and of best practices, or of the given rules only.
 */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const only = rules === undefined ? { type: 'tag', values: TAGS } : { type: 'rule', values: rules };
  return page.evaluate<string[]>(`${RUN_AXE}(${JSON.stringify(only)})`);
}

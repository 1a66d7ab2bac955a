import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** In the page, which this project has no types of. */
const RUN_AXE = `(async () => {
  const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await axe.run({ runOnly: { type: 'tag', values } });
  return violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '));
})()`;

/** What of WCAG 2.2 AA, and of good practice, the page breaks. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(RUN_AXE);
}

import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends the run with `N passed, N failed, N skipped`, the line that machines read. With CI=true a
 * skip fails the run.
 */
// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its default export
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      if (!module.ok() && module.errors().length > 0) failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
    }
    if (skipped > 0 && process.env['CI'] === 'true') {
      process.exitCode = 1;
      process.stderr.write(`${skipped} skipped: with CI=true a skip is a failure\n`);
    }
    // After vitest's own summary, which is written when this hook of the default reporter has run.
    process.once('exit', () =>
      process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`),
    );
  }
}

import { createExporter, type ExporterTools } from './exporter.ts';
import type { Config } from '../config/config.ts';
import { chunksOf } from '../exposition/page.ts';
import { onStopSignal } from './signals.ts';

/**
 * Polls once and prints the metrics page, even if an account failed. Resolves to the exit code: 1
 * if one failed.
 */
export async function once(config: Config, tools: ExporterTools): Promise<number> {
  const { log } = tools;
  const exporter = await createExporter(config, tools);
  const stopped = onStopSignal().then(() => undefined);
  const isComplete = await Promise.race([exporter.pollOnce(), stopped]);
  if (isComplete === undefined) {
    log.warn('stopped before the poll was complete: nothing is printed');
    await exporter.close();
    return 1;
  }
  const body = await exporter.page.body({ format: 'text', gzip: false, names: undefined });
  for await (const chunk of chunksOf(body)) await write(chunk);
  await exporter.close();
  return isComplete ? 0 : 1;
}

/** Never resolves if writing fails; main then ends the process. */
function write(chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(chunk, (error) => {
      if (!error) resolve();
    });
  });
}
